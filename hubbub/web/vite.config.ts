/*
 * How the page is built and served while developing.
 *
 * The built page goes into the Python package, where the server finds it.
 * Nothing in it is inline, so that it runs under `script-src 'self'; style-src 'self'`.
 */
import { svelte } from '@sveltejs/vite-plugin-svelte'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import { emojiTable } from './emoji.ts'
import { initialsTable } from './initials.ts'
import manifest from './package.json' with { type: 'json' }

const BOOT = 'src/boot.ts'

/** Put the blocking theme script, with a hash in its name, before everything else in <head>. */
function bootScript(): Plugin {
  return {
    name: 'boot-script',
    buildStart() {
      if (this.environment.mode === 'build') this.emitFile({ type: 'chunk', id: BOOT, name: 'boot' })
    },
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle = {} }) {
        const built = Object.values(bundle).find(({ name }) => name === 'boot')
        const tag = built
          ? `<script src="/${built.fileName}"></script>`
          : `<script type="module" src="/${BOOT}"></script>`
        return html.replace('<!-- boot -->', tag)
      },
    },
  }
}

export default defineConfig({
  define: { __VERSION__: JSON.stringify(manifest.version) },
  plugins: [svelte(), bootScript(), initialsTable(), emojiTable()],
  build: {
    outDir: '../src/hubbub/web_dist',
    emptyOutDir: true,
    // A file each: a data: address would need its own clause in the policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    host: '127.0.0.1',
    proxy: {
      '/v1': { target: process.env['HUBBUB_SERVER'] ?? 'http://127.0.0.1:8000', ws: true },
    },
  },
  test: { include: ['tests/**/*.test.ts'], css: true },
})
