import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { properties } from '../src/dockerfile/inside.ts';
import { parseDockerfile } from '../src/dockerfile/parse.ts';
import { DockerfileError, scan } from '../src/dockerfile/scan.ts';

const scanner = suite('scanner');

/** `KEYWORD first-last` for each instruction. */
function lines(text: string): string[] {
  return scan(text).instructions.map(({ keyword, line, endLine }) => `${keyword} ${line}-${endLine}`);
}

/** Every row was read off BuildKit's own parser. */
const SEGMENTS: [what: string, text: string, expected: string[]][] = [
  ['one line each', 'FROM a\nRUN b\n', ['FROM 1-1', 'RUN 2-2']],
  ['lower case, tabs, indentation', '  from a\n\trun\tb', ['FROM 1-1', 'RUN 2-2']],
  ['continuation', 'FROM a\nRUN b \\\n  c\nUSER d', ['FROM 1-1', 'RUN 2-3', 'USER 4-4']],
  ['blanks after the escape', 'RUN a \\ \t\n b', ['RUN 1-2']],
  ['a vertical tab after the escape ends the line', 'RUN a \\\v\nb', ['RUN 1-1', 'B 2-2']],
  ['two escapes are none', 'RUN a \\\\\nUSER b', ['RUN 1-1', 'USER 2-2']],
  ['three escapes are none', 'RUN a \\\\\\\nUSER b', ['RUN 1-1', 'USER 2-2']],
  ['a line of nothing but the escape', 'RUN a \\\n\\\nb', ['RUN 1-3']],
  ['a lone escape begins an instruction', '\\\nRUN x', ['RUN 1-2']],
  ['an escape at the end of the file', 'RUN a \\', ['RUN 1-1']],
  ['a comment inside', 'RUN a \\\n# c \\\n  b', ['RUN 1-3']],
  ['a blank line inside', 'RUN a \\\n\n  b\nUSER c', ['RUN 1-3', 'USER 4-4']],
  ['comments and blanks to the end of the file', 'RUN a \\\n# c\n\n', ['RUN 1-3']],
  ['a keyword in two parts', 'RU\\\nN x', ['RUN 1-2']],
  ['the backtick as escape', '# escape=`\nRUN a `\n b \\\nUSER c', ['RUN 2-3', 'USER 4-4']],
  ['an unknown directive ends the directives', '# foo=bar\n# escape=`\nRUN a `\nUSER c', ['RUN 3-3', 'USER 4-4']],
  ['a blank line ends the directives', '\n# escape=`\nRUN a `\nUSER c', ['RUN 3-3', 'USER 4-4']],
  ['a BOM before a directive', '\uFEFF# escape=`\nRUN a `\n b', ['RUN 2-3']],
  ['CRLF', 'FROM a\r\nRUN b \\\r\n  c\r\nUSER d', ['FROM 1-1', 'RUN 2-3', 'USER 4-4']],
  ['a bare CR is no line end', 'RUN a\rRUN b\nUSER c', ['RUN 1-1', 'USER 2-2']],
  ['a heredoc', 'RUN <<EOF\nUSER x\nEOF\nUSER y', ['RUN 1-3', 'USER 4-4']],
  ['a heredoc with a space', 'RUN cat << EOF\nUSER x\nEOF\nUSER y', ['RUN 1-3', 'USER 4-4']],
  ['a heredoc with tabs', 'RUN <<-EOF\n\tUSER x\n\tEOF\nUSER y', ['RUN 1-3', 'USER 4-4']],
  ['a quoted heredoc', 'RUN <<"EOF"\nx\nEOF\nUSER y', ['RUN 1-3', 'USER 4-4']],
  ['a partly quoted heredoc', 'RUN <<E"O"F\nx\nEOF\nUSER y', ['RUN 1-3', 'USER 4-4']],
  ['a heredoc with a descriptor', 'RUN 3<<EOF\nx\nEOF\nUSER y', ['RUN 1-3', 'USER 4-4']],
  ['several heredocs', 'COPY <<A <<B /x/\na\nA\nb\nB\nUSER y', ['COPY 1-5', 'USER 6-6']],
  ['a terminator with a blank is none', 'RUN <<EOF\nEOF \nEOF\nUSER y', ['RUN 1-3', 'USER 4-4']],
  ['a heredoc after a continuation', 'RUN a \\\n <<EOF\nx\nEOF\nUSER y', ['RUN 1-4', 'USER 5-5']],
  ['quotes around mean none', 'RUN echo "a <<EOF b"\nUSER y', ['RUN 1-1', 'USER 2-2']],
  ['an escape before means none', 'RUN echo \\<<EOF\nUSER y', ['RUN 1-1', 'USER 2-2']],
  ['a word before means none', 'RUN cat<<EOF\nUSER y', ['RUN 1-1', 'USER 2-2']],
  ['a here-string is none', 'RUN cat <<<EOF\nUSER y', ['RUN 1-1', 'USER 2-2']],
  ['an unclosed quote means none', "RUN it's <<EOF\nUSER y", ['RUN 1-1', 'USER 2-2']],
  ['CMD has none', 'CMD cat <<EOF\nUSER y', ['CMD 1-1', 'USER 2-2']],
  ['the JSON form has none', 'RUN ["cat", "<<EOF"]\nUSER y', ['RUN 1-1', 'USER 2-2']],
  ['ONBUILD RUN has one', 'ONBUILD RUN <<EOF\nx\nEOF\nUSER y', ['ONBUILD 1-3', 'USER 4-4']],
  ['a default in a variable swallows the operator', 'RUN <<${X:-EOF}\nUSER y', ['RUN 1-1', 'USER 2-2']],
];

for (const [what, text, expected] of SEGMENTS) scanner(what, () => assert.equal(lines(text), expected));

scanner('offsets speak of the text as read', () => {
  const text = '\uFEFFFROM a\r\n  RUN b \\\r\n# c\r\n  d <<E\r\nx\r\nE\r\n';
  const [from, run] = scan(text).instructions;
  assert.is(text.slice(from!.start, from!.end), 'FROM a');
  assert.is(text.slice(run!.start, run!.end), 'RUN b \\\r\n# c\r\n  d <<E\r\nx\r\nE');
  assert.is(run!.logical, 'RUN b   d <<E');
  assert.is(run!.heredocs[0]!.body, 'x\r\n');
});

const REFUSED: [what: string, text: string, line: number, message: RegExp][] = [
  ['an empty file', '', 1, /no instructions/],
  ['comments only', '# a\n# b\n', 2, /no instructions/],
  ['a bad escape directive', '# escape=x\nFROM a', 1, /escape directive/],
  ['a directive twice', '# syntax=a\n# syntax=b\nFROM a', 2, /only one syntax/],
  ['a heredoc without an end', 'FROM a\nRUN <<EOF\nx', 2, /never closed/],
  ['a line too long', `FROM a\nRUN ${'a'.repeat(65_536)}`, 2, /longer than/],
  ['no FROM', 'ARG a=b', 1, /no FROM/],
  ['RUN before FROM', 'RUN a\nFROM b', 1, /before the first FROM/],
  ['an unknown instruction', 'FROM a\nRUM b', 2, /unknown instruction RUM/],
  ['a conflict', 'FROM a\n<<<<<<< HEAD\nRUN b', 2, /conflict/],
  ['a template', 'FROM a\n{{ include "x" }}', 2, /template/],
  ['a template in FROM', 'FROM {{image}}\nRUN b', 1, /template/],
  ['numbers in JSON', 'FROM a\nCMD [1]', 2, /strings only/],
  ['nested JSON', 'FROM a\nCMD [["a"]]', 2, /strings only/],
  ['ENV without a value', 'FROM a\nENV PATH', 2, /name and a value/],
];

for (const [what, text, line, message] of REFUSED) {
  scanner(`refused: ${what}`, () => {
    try {
      parseDockerfile(text);
    } catch (error) {
      assert.instance(error, DockerfileError);
      assert.is((error as DockerfileError).line, line);
      assert.match((error as DockerfileError).message, message);
      return;
    }
    assert.unreachable('nothing was refused');
  });
}

scanner('JSON or shell form, as BuildKit decides it', () => {
  const forms: [string, string[] | undefined][] = [
    ['["a", "b c"]', ['a', 'b c']],
    ['["a",]', undefined],
    ["['a']", undefined],
    ['["a"] x', undefined],
    ['[ "\\u0041" ]', ['A']],
    ['[]', []],
    ['[ -f x ] && y', undefined],
  ];
  for (const [args, expected] of forms) assert.equal(parseDockerfile(`FROM a\nCMD ${args}`).stages[0]!.instructions[0]!.json, expected, args);
});

scanner('flags lose their quotes and end where BuildKit ends them', () => {
  const copy = parseDockerfile('FROM a\nCOPY --from=b --chown="x y:z" --link -- c d').stages[0]!.instructions[0]!;
  assert.equal(copy.flags, [
    { name: 'from', value: 'b' },
    { name: 'chown', value: 'x y:z' },
    { name: 'link', value: undefined },
  ]);
  assert.is(copy.args, 'c d');
});

scanner('names and values part where BuildKit parts them', () => {
  const rows: [line: string, expected: [name: string, value: string | undefined][]][] = [
    ['ENV A=b C="d e" F=\'g "h\'', [['A', 'b'], ['C', '"d e"'], ['F', '\'g "h\'']]],
    ['ENV A=b\\ c D=$A', [['A', 'b\\ c'], ['D', '$A']]],
    ['ENV A="b\\" c"', [['A', '"b\\" c"']]],
    ['ENV A  b=c d', [['A', 'b=c d']]],
    ['ENV A=', [['A', '']]],
    ['LABEL "a.b"="c"', [['a.b', '"c"']]],
    ['ARG A B=c', [['A', undefined], ['B', 'c']]],
  ];
  for (const [line, expected] of rows) {
    const instruction = parseDockerfile(`FROM a\n${line}`).stages[0]!.instructions[0]!;
    const found = properties(instruction, '\\');
    assert.equal(found.map(({ name, value }) => [name, value]), expected, line);
    for (const { value, at } of found) if (value !== undefined) assert.is(instruction.logical.slice(at, at! + value.length), value, line);
  }
});

scanner('stays linear', () => {
  // A bound on the work rather than on time: a quadratic scan of these would not end within the test run.
  const stages = Array.from({ length: 20_000 }, (_, index) => `FROM a AS s${index}\n# c`).join('\n');
  assert.is(scan(stages).instructions.length, 20_000);
  assert.is(scan(`FROM a\nRUN x${' \\\n y'.repeat(100_000)}`).instructions.length, 2);
});

scanner.run();
