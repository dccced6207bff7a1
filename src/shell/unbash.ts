/** The only door to unbash. */
export { forEachChild, parse } from 'unbash';
export type { ParsedScript, SyntaxNode, TestExpression, Word, WordPart } from 'unbash';
