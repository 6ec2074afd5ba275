import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import "./code_text.css";

interface CodeTextProps {
  /** What the text is, for who cannot see it and for the copy button: "the mended finding". */
  name: string;
  text: string;
  /** Lines stay whole, and can be scrolled sideways: for commands. */
  wholeLines?: boolean;
}

/** Text to read and to copy. It is text alone, whatever it holds. */
export function CodeText({ name, text, wholeLines = false }: CodeTextProps) {
  return (
    <div className="code-text">
      {/* It can be scrolled, and so is reached by the keyboard. */}
      <pre tabIndex={0} role="region" aria-label={name} className={wholeLines ? "code-text-whole" : undefined}>
        {text}
      </pre>
      <CopyToClipboard
        copyButtonText="Copy"
        copyButtonAriaLabel={`Copy ${name}`}
        copySuccessText="Copied"
        copyErrorText="The browser did not let us copy. Select the text instead."
        textToCopy={text}
      />
    </div>
  );
}
