import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { programs } from '../src/programs/catalogue.ts';
import { isPackageOf, isVerified, packageAccount, programOf, programWrites } from '../src/programs/lookup.ts';

const tests = suite('programs');

tests('the catalogue is of one piece', () => {
  const commands = programs.flatMap((program) => program.commands);
  assert.is(new Set(commands).size, commands.length, 'each command once');
  for (const { commands: [name], need, note, source, verified, writes } of programs) {
    assert.ok(source.length > 3, `${name} names what it was read in`);
    assert.ok(!verified || /^(run|repo):|^their manuals/.test(source), `${name} was run, or read where it is made`);
    assert.ok((need !== 'needs-root' && need !== 'starts-others') || note, `${name} says why`);
    for (const path of Array.isArray(writes) ? writes : Object.values(writes ?? {}).flat()) assert.match(path, /^\/[\w./-]+$/, name);
  }
});

tests('it has the servers and daemons that files start from an OS base, and many were run', () => {
  assert.ok(programs.flatMap((program) => program.commands).length >= 150);
  assert.ok(programs.filter(({ source }) => source.startsWith('run:')).length >= 40);
  assert.ok(programs.filter(({ verified }) => verified).length >= 30);
});

tests('php-fpm has its version in its name', () => {
  for (const name of ['php-fpm', 'php-fpm8.4', 'php-fpm81', 'php7.0-fpm']) assert.is(programOf(name)?.commands[0], 'php-fpm', name);
  assert.is(programOf('php5-fpm')?.commands[0], 'php5-fpm', 'which has other paths');
  assert.is(programOf('php'), undefined);
  assert.ok(isPackageOf(programOf('php-fpm')!, 'php81-fpm'));
  assert.not.ok(isPackageOf(programOf('php-fpm')!, 'php5-memcached'));
  assert.ok(isPackageOf(programOf('nginx')!, 'nginx-extras'));
  const fpm = programOf('php-fpm')!;
  assert.equal(programWrites(fpm, 'debian', ['php-fpm8.2']), ['/run/php', '/var/log/php8.2-fpm.log']);
  assert.equal(programWrites(fpm, 'ubuntu', ['php-fpm', 'php7.4-fpm']), ['/run/php', '/var/log/php7.4-fpm.log']);
  assert.equal(programWrites(fpm, 'alpine', ['php-fpm83']), ['/var/log/php83']);
  assert.equal(programWrites(fpm, 'debian', ['php-fpm']), ['/run/php'], 'a path whose version is not known is none');
});

tests('what was run in Debian says nothing of Alpine', () => {
  const nginx = programOf('nginx')!;
  assert.ok(isVerified(nginx, 'debian'));
  assert.ok(isVerified(nginx, 'ubuntu'));
  assert.not.ok(isVerified(nginx, 'alpine'));
  assert.not.ok(isVerified(programOf('haproxy')!, 'debian'));
  assert.ok(isVerified(programOf('locust')!, 'alpine'));
  assert.is(packageAccount(nginx, 'alpine'), 'nginx');
});

tests.run();
