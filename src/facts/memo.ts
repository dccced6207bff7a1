export { memo, memoByName } from '../memo.ts';
