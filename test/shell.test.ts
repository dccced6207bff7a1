import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { commandsIn, type FlowNode, readFlow, type ShellFlow } from '../src/shell/flow.ts';
import { readShell } from '../src/shell/read.ts';
import { edited, removalOf } from '../src/shell/remove.ts';

const flow = suite('flow');

flow('a list is its statements, with what runs in the background', () => {
  const { body } = readFlow('a; b & c\nd');
  assert.equal(
    body.items.map(({ node, background }) => [node.kind, background]),
    [['command', false], ['command', true], ['command', false], ['command', false]],
  );
});

flow('a chain has an operator between its parts', () => {
  const [item] = readFlow('[ -d x ] || a && ! b').body.items;
  assert.is(item!.node.kind, 'chain');
  const { operators, parts } = item!.node as Extract<FlowNode, { kind: 'chain' }>;
  assert.equal(operators, ['||', '&&']);
  assert.equal(parts.map(({ kind }) => kind), ['command', 'command', 'pipeline']);
});

flow('conditions, groups, tests and the rest are told apart', () => {
  const kinds = (script: string) => readFlow(script).body.items.map(({ node }) => (node.kind === 'other' ? node.what : node.kind));
  assert.equal(kinds('if a; then b; else c; fi'), ['if']);
  assert.equal(kinds('( a ); { b; }'), ['group', 'group']);
  assert.equal(kinds('[[ ! -d x ]]'), ['test']);
  assert.equal(kinds('for i in 1 2; do a; done; until b; do c; done'), ['a loop', 'a loop']);
  assert.equal(kinds('case $1 in a) b;; esac; f() { c; }'), ['a case', 'a function']);
});

flow('a command knows which variables it rests on, and whether on the output of others', () => {
  const [item] = readFlow('A=$B x "${C:-$D}" > $E $(f)').body.items;
  const node = item!.node as Extract<FlowNode, { kind: 'command' }>;
  assert.equal(node.uses.toSorted(), ['B', 'C', 'D', 'E']);
  assert.ok(node.substitutes);
});

flow('directories and variables are known along the way', () => {
  const script = readFlow('A=x; cd /srv/$A && b; (cd y && c); d', () => undefined, '/');
  assert.equal(script.commands.map(({ cwd }) => cwd), ['/', '/', '/srv/x', '/srv/x', '/srv/x/y', '/srv/x']);
});

flow('carriage returns at line ends are no part of words', () => {
  const { commands } = readShell('set -e\r\na b && \\\r\n  c\r\n');
  assert.equal(commands.map(({ words }) => words.map(({ value }) => value)), [['set', '-e'], ['a', 'b'], ['c']]);
});

flow.run();

const removal = suite('removal');

/** What is left of a script without the nodes that read like one of these. */
function without(script: string, gone: string[]): string | undefined {
  const read = readFlow(script);
  const edits = removalOf(script, read, new Set(nodesOf(read).filter(({ pos, end }) => gone.includes(script.slice(pos, end)))));
  return edits && edited(script, edits);
}

function nodesOf({ body }: ShellFlow): FlowNode[] {
  const visit = (node: FlowNode): FlowNode[] => {
    switch (node.kind) {
      case 'list':
        return node.items.flatMap((item) => visit(item.node));
      case 'chain':
      case 'pipeline':
        return [node, ...node.parts.flatMap(visit)];
      case 'group':
        return [node, ...visit(node.body)];
      case 'if':
        return [node, ...visit(node.condition), ...visit(node.then), ...(node.otherwise ? visit(node.otherwise) : [])];
      default:
        return [node];
    }
  };
  return visit(body);
}

const CASES: { title: string; script: string; gone: string[]; left: string }[] = [
  { title: 'the head of a chain', script: 'i && j && run --now', gone: ['i', 'j'], left: 'run --now' },
  { title: 'the middle of a chain', script: 'a && i && b', gone: ['i'], left: 'a && b' },
  { title: 'the end of a chain', script: 'a && i', gone: ['i'], left: 'a' },
  { title: 'what a failure handler guards', script: 'a && i || exit 1', gone: ['i'], left: 'a || exit 1' },
  { title: 'a guard with what it guards', script: '[ -d x ] || i && run', gone: ['[ -d x ]', 'i'], left: 'run' },
  { title: 'a statement on a line of several', script: 'a; i; b', gone: ['i'], left: 'a; b' },
  { title: 'the first statement on a line', script: 'i; b', gone: ['i'], left: 'b' },
  { title: 'the last statement on a line', script: 'a; i\nb\n', gone: ['i'], left: 'a\nb\n' },
  { title: 'what follows a background job', script: 'a & i; b', gone: ['i'], left: 'a & b' },
  { title: 'lines of their own', script: '#!/bin/sh\nset -e\ni\nj\nexec "$@"\n', gone: ['i', 'j'], left: '#!/bin/sh\nset -e\nexec "$@"\n' },
  { title: 'one of two blank lines', script: 'set -e\n\ni\n\nj\n\nrun\n', gone: ['i', 'j'], left: 'set -e\n\nrun\n' },
  { title: 'a line before a comment at its end', script: 'i # why\nrun\n', gone: ['i'], left: '# why\nrun\n' },
  { title: 'no comment between two lines', script: 'i\n# the banner\nj\nrun\n', gone: ['i', 'j'], left: '# the banner\nrun\n' },
  { title: 'a continued line', script: 'i && \\\n  j a \\\n    b && \\\n  run\n', gone: ['i', 'j a \\\n    b'], left: 'run\n' },
  { title: 'no comment in a chain', script: 'a &&\n  i &&\n  # then\n  run\n', gone: ['i'], left: 'a &&\n  # then\n  run\n' },
  { title: 'a whole condition', script: 'a\nif [ ! -d x ]; then\n  i\nfi\nrun\n', gone: ['if [ ! -d x ]; then\n  i\nfi'], left: 'a\nrun\n' },
  { title: 'a statement behind a keyword', script: 'if a; then i; b; fi', gone: ['i'], left: 'if a; then b; fi' },
  { title: 'a statement in front of a closing keyword', script: 'if a; then b; i; fi', gone: ['i'], left: 'if a; then b; fi' },
  { title: 'a group that would be empty', script: '(cd x && i) && run', gone: ['cd x', 'i'], left: 'run' },
  { title: 'part of a group', script: '{ i; run; }', gone: ['i'], left: '{ run; }' },
  { title: 'the last line of a file without a final newline', script: 'run\ni', gone: ['i'], left: 'run' },
  { title: 'lines that end with CRLF', script: 'set -e\r\n\r\ni && \\\r\n  j\r\n\r\nrun\r\n', gone: ['i && \\\r\n  j'], left: 'set -e\r\n\r\nrun\r\n' },
  { title: 'everything', script: 'i && j', gone: ['i', 'j'], left: '' },
  { title: 'everything but the shebang', script: '#!/bin/sh\ni\n', gone: ['i'], left: '#!/bin/sh\n' },
];

for (const { title, script, gone, left } of CASES) {
  removal(title, () => {
    assert.is(without(script, gone), left);
    assert.ok(isRead(left), 'bash reads what is left');
  });
}

removal('a block is never left empty', () => {
  assert.is(without('if a; then i; fi', ['i']), undefined);
  assert.is(without('if i; then a; fi', ['i']), undefined);
});

removal('commands in a node are found however deep', () => {
  const read = readFlow('a; if b; then c $(d); fi');
  assert.equal(commandsIn(read, read.body.items[1]!).map(({ words }) => words[0]!.value), ['b', 'c', 'd']);
});

removal.run();

function isRead(script: string): boolean {
  return spawnSync('bash', ['-n'], { input: script.replaceAll('\r\n', '\n') }).status === 0;
}
