import { render } from 'preact';

const root = document.getElementById('app');
if (root) render(<h1>Pitcrew</h1>, root);
