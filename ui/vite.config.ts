import { defineConfig } from 'vite';

export default defineConfig({
  // Files are found beside <base href>, so that the daemon can serve the dashboard below any path.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../dist/ui',
    emptyOutDir: true,
    target: 'es2023',
    // Browsers that know light-dark(), container queries and nesting: nothing needs rewriting for them.
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
  },
  server: { proxy: { '/api': 'http://127.0.0.1:7432' } },
});
