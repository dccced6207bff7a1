/** The only door to unbash. */
export { forEachChild, parse } from 'unbash';
export type { SyntaxNode, Word, WordPart } from 'unbash';
