/*
 * Code cut into runs of one look each.  The highlighter's HTML, which has spans
 * and entities and nothing else, is read and never shown.
 */

export type CodeLook = 'keyword' | 'string' | 'number' | 'title' | 'comment' | 'added' | 'removed'

export interface Run {
  text: string
  look?: CodeLook
}

const PART = /<span class="([^"]*)">|<\/span>|[^<]+/gu
const ENTITIES: Record<string, string> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#x27;': "'",
}
const LOOKS: Record<string, CodeLook> = {
  ...named('keyword', 'keyword', 'built_in', 'type', 'selector-tag', 'name', 'meta', 'section'),
  ...named('string', 'string', 'regexp', 'char', 'template-tag', 'link', 'symbol', 'bullet'),
  ...named('number', 'number', 'literal', 'variable', 'attr', 'attribute', 'template-variable', 'property'),
  ...named('title', 'title', 'class', 'function', 'selector-class', 'selector-id'),
  ...named('comment', 'comment', 'quote', 'doctag'),
  ...named('added', 'addition'),
  ...named('removed', 'deletion'),
}

function named(look: CodeLook, ...scopes: readonly string[]): Record<string, CodeLook> {
  return Object.fromEntries(scopes.map((scope) => [scope, look]))
}

/** The runs of what the highlighter made. */
export function runsOf(html: string): Run[] {
  const opened: (CodeLook | undefined)[] = []
  const runs: Run[] = []
  for (const [part, scope] of html.matchAll(PART)) {
    if (scope !== undefined) opened.push(lookOf(scope) ?? opened.at(-1))
    else if (part === '</span>') opened.pop()
    else
      runs.push(
        run(
          part.replace(/&(?:amp|lt|gt|quot|#x27);/gu, (entity) => ENTITIES[entity]!),
          opened.at(-1),
        ),
      )
  }
  return runs
}

/** By the first of its names; a part in another language has none of ours. */
function lookOf(names: string): CodeLook | undefined {
  const [, scope = ''] = /^hljs-([\w-]+)/u.exec(names) ?? []
  return LOOKS[scope]
}

function run(text: string, look: CodeLook | undefined): Run {
  return { text, ...(look && { look }) }
}
