/**
 * Lays JSON out with line breaks and indents and changes nothing else: numbers keep their digits, names that stand twice stay, and what
 * is no JSON is answered as it is.
 */
export function indent(text: string): string {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  // Strings, brackets and marks, and everything else that is one piece; white space between them goes.
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[^\s"[\]{},:]+|[[\]{},:]/g) ?? [];
  const out: string[] = [];
  let depth = 0;
  const line = () => out.push("\n", "  ".repeat(depth));
  tokens.forEach((token, i) => {
    switch (token) {
      case "{":
      case "[":
        out.push(token);
        if (!isClosing(tokens[i + 1])) {
          depth++;
          line();
        }
        break;
      case "}":
      case "]":
        if (tokens[i - 1] !== "{" && tokens[i - 1] !== "[") {
          depth--;
          line();
        }
        out.push(token);
        break;
      case ",":
        out.push(token);
        line();
        break;
      case ":":
        out.push(": ");
        break;
      default:
        out.push(token);
    }
  });
  return out.join("");
}

function isClosing(token: string | undefined): boolean {
  return token === "}" || token === "]";
}
