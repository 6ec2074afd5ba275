const unseen = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\u2028\u2029]/gu;

/**
 * JSON with its unseen characters as JSON's own escapes: it means the same, nothing in it hides or turns the direction of text, and it
 * can be copied into a terminal. Line breaks and tabs are JSON's own outside of strings, and stand nowhere within them.
 */
export function visibleJSON(text: string): string {
  return text.toWellFormed().replace(unseen, (c) => (c === "\n" || c === "\t" || c === "\r" ? c : Array.from({ length: c.length }, (_, i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, "0")}`).join("")));
}
