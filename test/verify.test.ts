import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withoutFrontend } from '../src/verify/build.ts';
import { compare, compareStrict, type Comparison, pathsToCheck, type Seen, whyUnproven } from '../src/verify/compare.ts';
import { placesWritten, sortPlaces } from '../src/verify/learn.ts';
import { movedUnnamed } from '../src/verify/moved.ts';
import { isGone, newOwner } from '../src/verify/owner.ts';
import { openPortsIn } from '../src/verify/proc.ts';
import type { Answer } from '../src/verify/talk.ts';
import { type Access, readTrace } from '../src/verify/trace.ts';
import type { Observation, Written } from '../src/verify/types.ts';
import { splitWords } from '../src/verify/words.ts';

const rule = suite('the rule of verify');

const ROOT: Observation = {
  user: '',
  size: 100_000_000,
  state: { kind: 'running', health: undefined, readySeconds: 1 },
  processes: [{ uid: 0, gid: 0, groups: [], capabilities: 0n, command: 'server' }],
  ports: [80],
  udp: [],
  answers: [answer(80, 200, 'hello')],
  written: [],
  log: ['the last words'],
  output: undefined,
  home: '/root',
  account: 'root',
};
const APP: Observation = { ...ROOT, user: '1000:1000', processes: [{ ...ROOT.processes[0]!, uid: 1000, gid: 1000 }], home: '/home/node', account: 'node' };
const ENDED: Observation['state'] = { kind: 'ended', status: 0, why: '' };

function answer(port: number, status: number, text: string): Answer {
  return { ask: 'GET /', port, status, text, error: undefined };
}

function seen(observation: Observation, accesses: Access[] = [], ...again: Seen['again']): Seen {
  return { seen: observation, trace: { accesses }, again };
}

function comparison(before: Seen, after: Seen, more: Partial<Comparison> = {}): Comparison {
  return { before, after, known: [80], knownUdp: [], moved: new Map(), asks: [], prints: undefined, needless: [], writable: new Map(), ...more };
}

function differences(...args: Parameters<typeof comparison>): string[] {
  return compare(comparison(...args)).differences.map(({ rule: name, message }) => `${name}: ${message}`);
}

rule('nothing differs where only the user does', () => {
  assert.equal(compare(comparison(seen(ROOT), seen(APP))), { differences: [], notes: [] });
});

rule('it must stay up, or end as before', () => {
  assert.equal(differences(seen(ROOT), seen({ ...APP, state: { kind: 'ended', status: 1, why: '' }, processes: [] })), ['runs: it ends with status 1: "the last words"']);
  assert.equal(differences(seen(ROOT), seen({ ...APP, state: { kind: 'not started', why: 'no such account' } })), ['runs: it no longer starts: no such account']);
  assert.equal(differences(seen(ROOT), seen({ ...APP, state: { kind: 'running', health: 'unhealthy', readySeconds: 30, checkSaid: 'curl: refused' } })), ['runs: its health check no longer passes: "curl: refused"']);
  const ended = { ...ROOT, state: ENDED, processes: [], output: 'done' };
  assert.equal(differences(seen(ended), seen(APP)), ['runs: it no longer ends']);
  assert.equal(differences(seen(ended), seen({ ...ended, user: '1000:1000', output: 'failed' })), ['runs: it prints "failed", not "done"']);
  assert.equal(differences(seen(ended, [], { ...ended, output: 'done at 12:01' }), seen({ ...ended, user: '1000:1000', output: 'done at 12:02' })), [], 'what no two runs agree on');
});

rule('what differs in words alone is marked, so that the image as it was is heard again', () => {
  const changed = comparison(seen(ROOT), seen({ ...APP, answers: [answer(80, 200, 'bye')] }));
  assert.equal(compare(changed).differences, [{ rule: 'answers', message: 'GET / on port 80 answers "bye", not "hello"', isWording: true }]);
  const later = { answers: [answer(80, 200, 'good day')], output: undefined };
  assert.equal(compare({ ...changed, before: seen(ROOT, [], later) }).differences, []);
  assert.is(compareStrict(changed, { ...APP, answers: [answer(80, 200, 'bye')] })[0]!.isWording, true);
});

rule('what says who runs it may be other, and nothing else', () => {
  const [was, is] = ['uid=0(root) home /root/.cache, 0 files, root', 'uid=1000(node) home /home/node/.cache, 0 files, node'];
  const says = (text: string, observation: Observation) => seen({ ...observation, answers: [answer(80, 200, text)] });
  assert.equal(differences(says(was, ROOT), says(is, APP)), []);
  assert.is(differences(says(was, ROOT), says(is.replace('0 files', '7 files'), APP)).length, 1);
  assert.is(differences(says(was, ROOT), says('cannot open /root/.cache', APP)).length, 1);
});

rule('a status, a port and a UDP port count; a port that was moved is another', () => {
  assert.equal(differences(seen(ROOT), seen({ ...APP, answers: [answer(80, 500, 'no')] })), ['answers: GET / on port 80 answers 500, not 200: "no"']);
  assert.equal(differences(seen(ROOT), seen({ ...APP, ports: [], answers: [] })), ['answers: nothing listens on port 80 any more']);
  assert.equal(differences(seen({ ...ROOT, udp: [53, 41_000] }), seen(APP)), ['answers: nothing listens on UDP port 53 any more']);
  const moved = seen({ ...APP, ports: [8080], answers: [answer(8080, 200, 'hello')] });
  assert.equal(differences(seen(ROOT), moved, { moved: new Map([[80, 8080]]) }), []);
});

rule('an answer that the configuration names must come', () => {
  const asks = [{ path: '/', answer: 'uid {uid}' }];
  const says = (uid: string, observation: Observation) => seen({ ...observation, answers: [answer(80, 200, `uid ${uid}`)] });
  assert.equal(differences(says('0', ROOT), says('1000', APP), { asks }), []);
  assert.equal(differences(says('0', ROOT), says('0', APP), { asks }), ['answers: GET / on port 80 answers "uid 0", not "uid 1000"']);
});

rule('no process is root, and none was that ended', () => {
  assert.equal(differences(seen(ROOT), seen(ROOT)), ['root: a process runs as root: server']);
  const ended = { ...ROOT, state: ENDED, processes: [] };
  assert.equal(differences(seen(ended), seen({ ...ended, user: '0:0' })), ['root: it ran as root']);
});

const written = (path: string, how: Written['how'] = 'made', kind: Written['kind'] = 'file'): Written => ({ path, how, kind, owner: { uid: 0, gid: 0, mode: 0o644 }, data: false });
const done = (what: Access['what'], path: string, error?: string): Access => ({ call: 'openat', what, path, error });

rule('a low port that nobody has published is the one that came in its place, where the numbers tell', () => {
  const open = (...ports: number[]): Observation => ({ ...ROOT, ports });
  assert.equal(movedUnnamed(open(80, 3000), open(3000, 8080), new Map(), []), [[80, 8080]]);
  assert.equal(movedUnnamed(open(80), open(8080), new Map(), [80]), [], 'who comes in by a published port has to find it');
  assert.equal(movedUnnamed(open(80), open(8080), new Map([[443, 8080]]), []), [], 'it is another port already');
  assert.equal(movedUnnamed(open(80), open(8080, 9000), new Map(), []), [], 'either may be it');
  assert.equal(movedUnnamed(open(80), open(40_000), new Map(), []), [], 'nobody can rely on such a number');
  assert.equal(movedUnnamed(open(3000), open(8080), new Map(), []), [], 'it had no reason to move');
});

rule('what root wrote is looked at, without what the account wrote too and what is needless', () => {
  const before = seen({ ...ROOT, written: [written('/data/a'), written('/data/b'), written('/app/__pycache__/x.pyc'), written('/new', 'made', 'directory'), written('/new/file'), written('/etc/gone', 'removed'), written('/cache/x')] }, [done('make', '/tmp/job/part'), done('make', '/proc/self/x')]);
  const after = seen({ ...APP, written: [written('/data/a')] });
  assert.equal(pathsToCheck(before, after, ['/cache']), ['/data/b', '/etc', '/new', '/tmp/job']);
});

rule('a place that the account may not write is a difference, in its home a note', () => {
  const no = { can: false, why: '/var is 0:0 0755' };
  assert.equal(differences(seen(ROOT), seen(APP), { writable: new Map([['/var/x', no], ['/data', { can: true, why: '' }]]) }), ['state: root wrote /var/x, and the account may not: /var is 0:0 0755']);
  const { differences: none, notes } = compare(comparison(seen(ROOT), seen(APP), { writable: new Map([['/root/.config', no]]) }));
  assert.equal(none, []);
  assert.match(notes[0]!, /root wrote \/root\/\.config in its home/);
});

rule('a denied access counts if root made it, even where the program hides it', () => {
  const before = seen(ROOT, [done('make', '/var/cache/x'), done('read', '/etc/secret'), done('be', '')]);
  const denied = [done('make', '/var/cache/x', 'EACCES'), done('read', '/etc/shadow', 'EACCES'), done('be', '', 'EPERM')];
  assert.equal(differences(before, seen(APP, denied)), ['denied: openat /var/cache/x is denied (EACCES); root could']);
  assert.equal(differences(before, seen(APP, [...denied, done('make', '/var/cache/x')])), [], 'done later after all');
});

rule('an image may grow by 1 MB or 2 %', () => {
  assert.equal(differences(seen(ROOT), seen({ ...APP, size: ROOT.size + 1_900_000 })), []);
  assert.equal(differences(seen(ROOT), seen({ ...APP, size: ROOT.size + 2_100_000 })), ['size: the image grew by 2.1 MB, 2.1 %']);
});

rule('a cluster wants a number, and gives no low port', () => {
  const strict = { ...APP, user: 'node', state: { kind: 'ended', status: 1, why: '' } as const, processes: [] };
  assert.equal(compareStrict(comparison(seen(ROOT), seen(APP)), strict).map(({ message }) => message), [
    'USER is node: a cluster can\'t check that a name is not root; write the number',
    'it ends with status 1: "the last words"; it listens on 80, and ports below 1024 are closed to it',
  ]);
});

rule('a program that does not work as it is shows nothing', () => {
  const why = (observation: Partial<Observation>, expected: Partial<Parameters<typeof whyUnproven>[1]> = {}) => whyUnproven(seen({ ...ROOT, ...observation }), { asks: [], published: [], ...expected });
  assert.is(why({}), undefined);
  assert.is(why({ state: { kind: 'ended', status: 3, why: '' } }), 'it ends with status 3 as it is: "the last words"');
  assert.match(why({ ports: [], answers: [] }, { published: [80] })!, /^it opened none of its ports \(80\) in 1 s as it is: "the last words"; --seconds/);
  assert.is(why({ answers: [answer(80, 502, 'Bad Gateway')] }), 'GET / on port 80 answers 502 as it is: "Bad Gateway"');
  assert.is(why({ answers: [answer(80, 502, ''), answer(81, 404, '')] }), undefined, 'another port does answer');
  assert.is(why({ answers: [{ ...answer(80, 0, ''), error: 'ECONNREFUSED' }] }, { asks: [{ path: '/' }] }), 'asked GET /, it gives no answer as it is (ECONNREFUSED)');
});

rule('little is known of a program without ports, and it says so', () => {
  const quiet = { ports: [], answers: [] };
  assert.match(compare(comparison(seen({ ...ROOT, ...quiet }), seen({ ...APP, ...quiet }))).notes[0]!, /^it opened no port, though its files name 80: only that it stays up/);
});

rule('state is learnt; code, /etc, /usr and /root are for a person', () => {
  const paths = ['/var/lib/ledger/a.db', '/srv/data/x', '/etc/app.conf', '/usr/local/share/app/x', '/root/notes', '/app/out.txt', '/var/log/app.log', '/var/lib/new.db', '/root/.cache/x', '/tmp/x', '/app/__pycache__/y.pyc'];
  const places = placesWritten(seen({ ...ROOT, written: [written('/var/lib/ledger', 'made', 'directory'), ...paths.map((path) => written(path))] }, [done('make', '/var/lib/ledger')]), []);
  const contents = new Map([['/app', { isFilled: true, isOpen: false }], ['/srv/data', { isFilled: false, isOpen: false }]]);
  const { paths: state, findings } = sortPlaces(places, contents);
  assert.equal(state, ['/srv/data', '/var/lib/ledger', '/var/log/app.log']);
  assert.equal(findings.map((text) => /\/[^\s,:]+/.exec(text)![0]), ['/app/out.txt', '/etc/app.conf', '/root/notes', '/usr/local/share/app/x', '/var/lib/new.db']);
});

rule('a trace is read with its directories, threads and escapes', () => {
  const text = [
    '7 openat(AT_FDCWD</app>, "data/a", O_WRONLY|O_CREAT, 0666) = -1 EACCES (Permission denied)',
    '7 mkdir("/caf\\303\\251", 0777) = 0',
    '8 openat(AT_FDCWD</app>, "x", O_RDONLY <unfinished ...>',
    '7 bind(3<socket:[1]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("0.0.0.0")}, 16) = -1 EACCES (Permission denied)',
    '8 <... openat resumed>) = 3</app/x>',
  ].join('\n');
  assert.equal(readTrace(text, '/').map(({ what, path, error }) => [what, path, error]), [
    ['make', '/app/data/a', 'EACCES'],
    ['make', '/café', undefined],
    ['listen', '80', 'EACCES'],
    ['read', '/app/x', undefined],
  ]);
});

rule('ports are read from the tables of the kernel', () => {
  const title = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
  const row = (address: string, state: string) => `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1 0\n`;
  const tcp = title + row('00000000:1F90', '0A') + row('0100007F:0050', '0A') + row('0200000A:C000', '01');
  const udp = title + row('00000000:0035', '07');
  assert.equal(openPortsIn(tcp + title + udp + title), { tcp: [8080], udp: [53] });
});

rule('an owner is gone once its process is, and a stranger\'s label is nobody\'s', () => {
  const mine = newOwner();
  assert.is(isGone(mine), false);
  assert.is(isGone(mine.replace(/^(\w+-\d+)-\w+/, '$1-anotherstart')), true);
  for (const label of ['', 'true', 'somebody', 'a-b-c-d-e']) assert.is(isGone(label), false, label);
});

rule('words are split as Compose does, and the common frontend is left to the builder', () => {
  assert.equal(splitWords(`node "a b" 'c\\d' e\\ f`), ['node', 'a b', 'c\\d', 'e f']);
  assert.is(withoutFrontend('# syntax=docker/dockerfile:1\nFROM x\n'), 'FROM x\n');
  assert.is(withoutFrontend('# syntax=docker/dockerfile:1-labs\nFROM x\n'), '# syntax=docker/dockerfile:1-labs\nFROM x\n');
});

rule.run();
