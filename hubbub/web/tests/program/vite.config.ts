/* How the program is built; where to, who builds it says. */
import { defineConfig } from 'vite'

export default defineConfig({
  define: { __VERSION__: JSON.stringify('program') },
  build: {
    ssr: 'tests/program/engine.ts',
    emptyOutDir: true,
    rolldownOptions: { output: { entryFileNames: 'engine.mjs' } },
  },
})
