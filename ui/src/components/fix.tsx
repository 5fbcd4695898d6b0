import { CodeBlock } from './code.tsx';

/** What would make something readable: SQL to be copied, or a sentence. */
export function Fix({ text }: { text: string }) {
  return /^\s*(GRANT|ALTER|CREATE|SELECT|SET)\b/i.test(text) ? (
    <CodeBlock text={text} label="What would fix it" wrap />
  ) : (
    <p>{text}</p>
  );
}
