/** A block of HCL with its attributes that are plain texts, numbers or lists of texts; the rest is left out. */
export interface Block {
  type: string;
  labels: string[];
  attributes: Record<string, unknown>;
}

/**
 * The top-level blocks of an HCL text (`target "x" { context = "." tags = ["a"] }`). Expressions, functions
 * and texts with `${…}` are no plain values: their attributes are left out.
 */
export function readHcl(text: string): Block[] {
  const tokens = tokensOf(text);
  const blocks: Block[] = [];
  let at = 0;
  while (at < tokens.length) {
    const type = tokens[at]!;
    const open = tokens.findIndex((token, index) => index > at && token.text === '{');
    const isBlock = type.kind === 'name' && open > at && tokens.slice(at + 1, open).every(({ kind }) => kind === 'text' || kind === 'name');
    if (!isBlock) {
      at += 1;
      continue;
    }
    const close = closing(tokens, open);
    blocks.push({ type: type.text, labels: tokens.slice(at + 1, open).map((token) => token.text), attributes: attributesOf(tokens.slice(open + 1, close)) });
    at = close + 1;
  }
  return blocks;
}

interface Token {
  kind: 'name' | 'text' | 'template' | 'mark';
  text: string;
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (char === '#' || text.startsWith('//', at)) at = endOf(text, '\n', at);
    else if (text.startsWith('/*', at)) at = endOf(text, '*/', at);
    else if (char === '"') {
      const end = endOfText(text, at + 1);
      const inside = text.slice(at + 1, end);
      tokens.push({ kind: inside.includes('${') ? 'template' : 'text', text: inside });
      at = end + 1;
    } else if (/[\w-]/.test(char)) {
      const [name] = /^[\w.-]+/.exec(text.slice(at, at + 200))!;
      tokens.push({ kind: 'name', text: name });
      at += name.length;
    } else {
      if (!/\s/.test(char)) tokens.push({ kind: 'mark', text: char });
      at += 1;
    }
  }
  return tokens;
}

function endOf(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? text.length : at + mark.length;
}

/** The closing quote of a text that begins at `from`. */
function endOfText(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    if (tokens[at]!.kind !== 'mark') continue;
    if (tokens[at]!.text === '{') depth += 1;
    if (tokens[at]!.text === '}' && (depth -= 1) === 0) return at;
  }
  return tokens.length;
}

function attributesOf(tokens: readonly Token[]): Record<string, unknown> {
  const attributes: Record<string, unknown> = {};
  for (let at = 0; at < tokens.length; at += 1) {
    const [name, equals, value] = [tokens[at]!, tokens[at + 1], tokens[at + 2]];
    if (name.text === '{') at = closing(tokens, at);
    if (name.kind !== 'name' || equals?.text !== '=' || !value) continue;
    if (value.kind === 'text') attributes[name.text] = value.text;
    if (value.kind === 'mark' && value.text === '[') {
      const end = tokens.findIndex((token, index) => index > at && token.text === ']');
      attributes[name.text] = tokens.slice(at + 3, end < 0 ? tokens.length : end).flatMap(({ kind, text }) => (kind === 'text' ? [text] : []));
    }
  }
  return attributes;
}
