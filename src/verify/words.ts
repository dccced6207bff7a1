/** The words of a command as compose splits it: at blanks, quotes and backslashes as in a shell, nothing else of one. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if (quote === undefined && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === quote) quote = undefined;
    else if (quote === undefined && (character === '"' || character === "'")) {
      quote = character;
      word ??= '';
    } else if (character === '\\' && quote !== "'" && at + 1 < text.length) word = (word ?? '') + text[(at += 1)];
    else word = (word ?? '') + character;
  }
  return word === undefined ? words : [...words, word];
}
