import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { applyEdits } from '../src/edit.ts';
import { type Report, transforms, unroot } from '../src/index.ts';
import { type Fixture, fixtures, treeOf, withCopy } from './fixtures.ts';

const cases = suite('fixtures');

for (const fixture of fixtures()) {
  cases(fixture.name, () => {
    withCopy(join(fixture.directory, 'before'), (folder) => {
      const after = join(fixture.directory, fixture.keepsAway ? 'before' : 'after');
      const report = runOn(fixture, folder);
      assert.is(describe(report, fixture.transform), findingsOf(fixture), 'what is said');
      sameTree(treeOf(folder), treeOf(after));
      assertAccounted(report, folder, fixture);
      const second = runOn(fixture, folder);
      assert.is(second.summary.fixes.applied, 0, 'a second run changes nothing');
    });
  });
  if (fixture.options.twins !== false) for (const twin of twinsOf(fixture)) cases(`${fixture.name}, ${twin.name}`, () => runTwin(fixture, twin));
}

cases('every case is a sentence with a reason', () => {
  for (const fixture of fixtures()) {
    assert.ok(fixture.expected.split('\n')[0]!.trim().length > 20, `${fixture.name}: expect.txt begins with the reason for the case`);
    assert.ok(existsSync(join(fixture.directory, 'before')), `${fixture.name} has before/`);
    assert.ok(fixture.transform === '_together' || transforms.some(({ name }) => name === fixture.transform), `${fixture.transform} is a transform`);
  }
});

cases('as many cases keep away as act', () => {
  const all = fixtures();
  const away = all.filter(({ keepsAway }) => keepsAway).length;
  assert.ok(all.length >= 25, `${all.length} cases`);
  assert.ok(away >= all.length / 2 - 1, `${away} of ${all.length} keep away`);
});

cases.run();

function runOn(fixture: Fixture, folder: string): Report {
  for (const [path, mode] of Object.entries(fixture.options.modes ?? {})) chmodSync(join(folder, path), Number.parseInt(mode, 8));
  const only = fixture.transform === '_together' ? undefined : [fixture.transform];
  const { unsafe, user, sysctl } = fixture.options;
  return unroot(['.'], { cwd: folder, write: true, only, unsafe, user, sysctl }).report;
}

/** What expect.txt holds under its reason. UNROOT_UPDATE=1 writes what is there now, to be read before it is committed. */
function findingsOf(fixture: Fixture): string {
  if (process.env.UNROOT_UPDATE) {
    withCopy(join(fixture.directory, 'before'), (folder) => {
      const reason = fixture.expected.split('\n\n')[0]!.trimEnd();
      writeFileSync(join(fixture.directory, 'expect.txt'), `${reason}\n\n${describe(runOn(fixture, folder), fixture.transform)}`);
    });
    return readFileSync(join(fixture.directory, 'expect.txt'), 'utf8').split('\n\n').slice(1).join('\n\n');
  }
  return fixture.expected.split('\n\n').slice(1).join('\n\n');
}

/** Targets and findings, one a line. */
function describe({ targets, services, findings, files }: Report, transform: string): string {
  const lines = [
    ...targets.map(({ path, line, verdict, safety, userBefore, userAfter, reasons }) => {
      const change = safety ? ` ${safety}, ${userBefore} -> ${userAfter ?? '?'}` : '';
      return `${path}:${line} ${verdict}${change}${reasons.map((reason) => `\n  ${reason.rule}: ${reason.message}`).join('')}`;
    }),
    ...services.filter(({ name }) => transform === 'compose-user' || transform === '_together' || (transform === 'low-ports' && findings.some(({ service }) => service === name))).map(({ path, line, name, verdict, safety, userBefore, userAfter, reasons, runs }) => {
      const change = safety ? ` ${safety}, ${userBefore} -> ${userAfter ?? '?'}` : '';
      const said = runs ? [] : reasons.flatMap((reason) => [`\n  ${reason.rule}: ${reason.message}`, ...(reason.advice === undefined ? [] : [`\n    ${reason.advice.replaceAll('\n', '\n    ')}`])]);
      return `${path}:${line} ${name} ${verdict}${change}${runs ? `, as ${runs.path} (${runs.stage})` : ''}${said.join('')}`;
    }),
    ...findings.map(({ path, line, column, transform, status, message }) => `${path}:${line}:${column} ${transform} ${status}: ${message}`),
    ...files.flatMap(({ path, notes }) => notes.map(({ line, message }) => `${path}:${line} note: ${message}`)),
    ...files.filter(({ error }) => error).map(({ path, errorLine, error }) => `${path}:${errorLine} error: ${error}`),
  ];
  return `${lines.join('\n')}\n`;
}

function sameTree(actual: Map<string, string>, expected: Map<string, string>): void {
  assert.equal([...actual.keys()].sort(), [...expected.keys()].sort());
  for (const [path, text] of expected) assert.is(actual.get(path), text, path);
}

/** Applied findings changed bytes, and the edits that are reported make exactly the new bytes. */
function assertAccounted(report: Report, folder: string, fixture: Fixture): void {
  const before = treeOf(join(fixture.directory, 'before'));
  for (const { path, edits, status } of report.files) {
    const text = Buffer.from(before.get(path)!, 'latin1').toString('utf8');
    assert.is(applyEdits(text, edits), readFileSync(join(folder, path), 'utf8'), `edits of ${path}`);
    assert.is(status === 'changed', edits.length > 0);
    assert.is(report.findings.some((finding) => finding.files.includes(path) && finding.status === 'applied'), edits.length > 0, `findings of ${path}`);
  }
}

interface Twin {
  name: string;
  change: (text: string) => string;
}

/** The same case in another dress: what unroot does must be the same, byte for byte, in that dress. */
function twinsOf(fixture: Fixture): Twin[] {
  const dockerfiles = [...treeOf(join(fixture.directory, 'before'))].filter(([path]) => isDressed(path, fixture)).map(([, text]) => text);
  const twins: Twin[] = [{ name: 'with a BOM', change: (text) => `\u00ef\u00bb\u00bf${text}` }];
  if (dockerfiles.some((text) => text.includes('<<'))) return twins;
  if (!dockerfiles.some((text) => text.includes('\r'))) twins.push({ name: 'with CRLF', change: (text) => text.replaceAll('\n', '\r\n') });
  if (dockerfiles.every((text) => text.endsWith('\n'))) twins.push({ name: 'without a final newline', change: (text) => text.replace(/\r?\n$/, '') });
  return twins;
}

/** The files of a case that are put into another dress. */
function isDressed(path: string, { transform }: Fixture): boolean {
  return /(^|\/)[^/]*Dockerfile[^/]*$/.test(path) || (transform === 'compose-user' && /(^|\/)(docker-)?compose[^/]*\.ya?ml$/.test(path));
}

function runTwin(fixture: Fixture, twin: Twin): void {
  withCopy(join(fixture.directory, 'before'), (folder) => {
    for (const [path, text] of treeOf(folder)) if (isDressed(path, fixture)) writeFileSync(join(folder, path), twin.change(text), 'latin1');
    const report = runOn(fixture, folder);
    const expected = treeOf(join(fixture.directory, fixture.keepsAway ? 'before' : 'after'));
    for (const [path, text] of expected) if (isDressed(path, fixture)) assert.is(readFileSync(join(folder, path), 'latin1'), twin.change(text), path);
    assert.is(runOn(fixture, folder).summary.fixes.applied, 0, 'a second run changes nothing');
    assert.is(report.summary.errors, 0);
  });
}
