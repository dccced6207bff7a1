import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { deleteItem, deleteKey, type Edited, insertItem, insertKey, insertSetting, isRefused, replaceInside, replaceText } from '../src/compose/edit.ts';
import { readComposeFile } from '../src/compose/file.ts';
import { offsetsOf } from '../src/compose/scalars.ts';
import { type ComposeService, readStacks } from '../src/compose/stack.ts';
import { interpolate, readEnvFile } from '../src/compose/variables.ts';
import { YamlError } from '../src/compose/yaml.ts';
import { applyEdits } from '../src/edit.ts';

const compose = suite('compose');

/** The services of files by path; the first is compose.yaml unless a name is given. */
function read(files: Record<string, string> | string): { services: ComposeService[]; errors: string[]; of: (name: string, path?: string) => ComposeService } {
  const texts = typeof files === 'string' ? { 'compose.yaml': files } : files;
  const given = Object.entries(texts).filter(([name]) => /compose[^/]*$/.test(name));
  const { services, errors } = readStacks(
    given.map(([name, text]) => readComposeFile(name, `/p/${name}`, text)),
    (path) => texts[path.slice('/p/'.length)],
  );
  const of = (name: string, path?: string) => services.find((one) => one.source.name === name && (path === undefined || one.path === path))!;
  return { services, errors: errors.map(({ file, line, message }) => `${file.path}:${line} ${message}`), of };
}

function edited(text: string, edit: (of: (name: string) => ComposeService) => Edited): string {
  const result = edit(read(text).of);
  return isRefused(result) ? `refused: ${result.refused}` : applyEdits(text, [result]);
}

compose('variables take what .env, defaults and double dollars say', () => {
  const env = readEnvFile('\uFEFFA=1\nexport B="two $A" # why\nC=\'$A\'\nEMPTY=\n# D=4\nE = spaced # comment\n');
  assert.equal([...env], [['A', '1'], ['B', 'two 1'], ['C', '$A'], ['EMPTY', ''], ['E', 'spaced']]);
  const of = (text: string) => interpolate(text, env);
  assert.is(of('$A ${A} ${X:-d} ${X-${A}} ${EMPTY:-e} ${EMPTY-e} $$A $$ $').text, '1 1 d 1 e  $A $ $');
  assert.is(of('${A:+set}${X:+no}${A?}').text, 'set1');
  assert.equal(of('${X} $Y ${Z:?needed} ${A:-$W}'), { text: '${X} $Y ${Z:?needed} 1', unset: ['X', 'Y', 'Z'] });
  assert.is(of('${unclosed').text, '${unclosed');
});

compose('a service is read in whatever way it is written', () => {
  const shapes = [
    'services:\n web:\n  image: nginx\n  user: "0:0"\n  command: [nginx, -g, "daemon off;"]\n',
    'services: {web: {image: nginx, user: "0:0", command: [nginx, -g, daemon off;]}}\n',
    '\uFEFFservices:\r\n    "web":\r\n        image: \'nginx\'\r\n        user: 0:0\r\n        command:\r\n        - nginx\r\n        - -g\r\n        - daemon off;\r\n',
    'x-base: &base\n  image: nginx\n  user: 0:0\nservices:\n  web:\n    <<: *base\n    command: ["nginx", "-g", "daemon off;"]\n',
    'x-base: &base\n  image: nginx\nx-more: &more {user: 0:0, image: other}\nservices:\n  web:\n    <<: [*base, *more]\n    command: ["nginx", "-g", "daemon off;"]\n',
    'web:\n  image: nginx\n  user: 0:0\n  command: ["nginx", "-g", "daemon off;"]\n',
    'services:\n  web:\n    image: nginx\n---\nservices:\n  web:\n    user: 0:0\n    command: ["nginx", "-g", "daemon off;"]\n',
    'services:\n  ? web\n  : ? image\n    : nginx\n    user: 0:0\n    command: ["nginx", "-g", "daemon off;"]\n',
    '%YAML 1.1\n---\nservices:\n  web:\n    image: nginx\n    user: 0:0\n    command: ["nginx", "-g", "daemon off;"]\n',
  ];
  for (const shape of shapes) {
    const { service } = read(shape).of('web');
    assert.equal([service.image, service.user, service.command], ['nginx', '0:0', ['nginx', '-g', 'daemon off;']], shape);
  }
});

compose('ports, mounts and settings are read in every syntax, with their places', () => {
  const text = `services:
  web:
    ports:
      - "80"
      - 8080:80
      - "127.0.0.1:8443:443/tcp"
      - "\${PORT:-9000}:90/udp"
      - 7000-7001:8000-8001
      - "[::1]:1:2"
      - target: 81
        published: "8081"
        protocol: udp
    expose: [3000, "4000-4002/udp"]
    volumes:
      - data:/data
      - ./conf:/etc/conf:ro
      - \${DATA_DIR:-./d}:/d
      - /anonymous
      - type: bind
        source: ./long
        target: /long
        read_only: true
    tmpfs: /run:uid=101
    environment:
      - PORT=80
      - "QUOTED=8 0"
      - PASSED
    labels:
      a.port: "80"
  two:
    environment: {A: 1, B: }
`;
  const { service } = read(text).of('web');
  const at = (range: { start: number; end: number } | undefined) => range && text.slice(range.start, range.end);
  assert.equal(
    service.ports.map((port) => [port.hostIp, port.published, port.target, port.lastTarget, port.protocol, at(port.targetAt)]),
    [
      [undefined, undefined, 80, 80, 'tcp', '80'],
      [undefined, '8080', 80, 80, 'tcp', '80'],
      ['127.0.0.1', '8443', 443, 443, 'tcp', '443'],
      [undefined, '9000', 90, 90, 'udp', '90'],
      [undefined, '7000-7001', 8000, 8001, 'tcp', '8000-8001'],
      ['[::1]', '1', 2, 2, 'tcp', '2'],
      [undefined, '8081', 81, 81, 'udp', '81'],
    ],
  );
  assert.equal(service.expose.map(({ port, lastPort, protocol }) => [port, lastPort, protocol]), [[3000, 3000, 'tcp'], [4000, 4002, 'udp']]);
  assert.equal(
    service.mounts.map(({ type, source, target, readOnly }) => [type, source, target, readOnly]),
    [
      ['volume', 'data', '/data', false],
      ['bind', './conf', '/etc/conf', true],
      ['bind', './d', '/d', false],
      ['volume', undefined, '/anonymous', false],
      ['bind', './long', '/long', true],
      ['tmpfs', undefined, '/run', false],
    ],
  );
  assert.equal(service.variables.map(({ name, value, valueAt }) => [name, value, at(valueAt)]), [['PORT', '80', '80'], ['QUOTED', '8 0', '8 0'], ['PASSED', undefined, undefined]]);
  assert.is(at(service.labels[0]!.valueAt), '80');
  assert.equal(read(text).of('two').service.variables.map(({ name, value }) => [name, value]), [['A', '1'], ['B', undefined]]);
});

compose('a place says how it was reached and who else has it', () => {
  const text = `x-common: &common
  restart: always
  environment: &env
    A: "1"
services:
  one: &one
    <<: *common
    image: a
  two:
    <<: *one
    image: b
  three:
    image: c
    environment: *env
  four:
    extends: one
  five: *one
`;
  const { of } = read(text);
  const where = (name: string, ...path: string[]) => {
    const { via, sharedWith } = of(name).service.at(...path)!.place;
    return `${via} ${sharedWith.join(',')}`;
  };
  assert.is(where('one', 'image'), 'own four,two,five');
  assert.is(where('two', 'image'), 'own ');
  assert.is(where('two', 'restart'), 'merge one,five');
  assert.is(where('three', 'environment', 'A'), 'alias one,two,five');
  assert.is(where('four', 'image'), 'extends one,two,five');
  assert.is(where('five', 'image'), 'alias one,two');
});

compose('extends, overrides and fragments are laid over each other', () => {
  const { of, errors } = read({
    'compose.yaml': 'services:\n  web:\n    extends:\n      file: common/base.yaml\n      service: app\n    environment: [B=2]\n    ports: ["80:80"]\n',
    'common/base.yaml': 'services:\n  app:\n    image: nginx:${TAG:-1}\n    environment: {A: 1, B: 1}\n    volumes: ["./data:/data"]\n',
    'compose.override.yaml': 'services:\n  web:\n    ports: !override\n      - 81:81\n    environment: !reset null\n    user: root\n',
    'compose.prod.yaml': 'services:\n  web:\n    ports: [82:82]\n  lost:\n    user: "1"\n',
  });
  assert.equal(errors, []);
  const base = of('web', 'compose.yaml');
  assert.is(base.service.image, 'nginx:1');
  assert.equal(base.service.variables.map(({ name, value }) => [name, value]), [['A', '1'], ['B', '2']]);
  assert.is(base.service.mounts[0]!.directory, '/p/common');
  assert.equal(base.overlays.map(({ path }) => path), ['compose.override.yaml', 'compose.prod.yaml']);
  const override = of('web', 'compose.override.yaml');
  assert.equal([override.service.image, override.service.user, override.service.variables.length, override.service.ports.map(({ target }) => target)], ['nginx:1', 'root', 0, [81]]);
  assert.equal(of('web', 'compose.prod.yaml').service.ports.map(({ target }) => target), [80, 82]);
  assert.is(of('lost', 'compose.prod.yaml').base, undefined);
  assert.is(new Set(['web', 'lost'].map((name) => of(name).stack)).size, 1);
});

compose('circles end in one line and what is missing is said', () => {
  assert.equal(read('services:\n  a:\n    extends: b\n  b:\n    extends: a\n').errors, [
    'compose.yaml:3 a extends itself, by way of a, b; break the circle',
  ]);
  assert.equal(read({ 'compose.yaml': 'include:\n  - other-compose.yaml\n', 'other-compose.yaml': 'include:\n  - path: compose.yaml\n' }).errors, [
    'compose.yaml:2 include leads back to this file by way of other-compose.yaml; break the circle',
    'other-compose.yaml:2 include leads back to this file by way of compose.yaml; break the circle',
  ]);
  assert.equal(read('services:\n  a:\n    extends: {file: gone.yaml, service: x}\n').of('a').unresolved, [{ line: 3, message: 'extends x of gone.yaml, which is not in sight' }]);
  const chain = Array.from({ length: 400 }, (_, index) => `  s${index}:\n    extends: s${index + 1}\n`).join('');
  assert.ok(read(`services:\n${chain}`).errors.length > 0);
});

compose('what is no YAML, or none that compose takes, is refused in one line', () => {
  const refused = (text: string) => {
    try {
      readComposeFile('compose.yaml', '/p/compose.yaml', text);
    } catch (error) {
      if (error instanceof YamlError) return `${error.line} ${error.message}`;
      throw error;
    }
    return 'taken';
  };
  assert.match(refused('services:\n\tweb: 1\n'), /^2 /);
  assert.is(refused('services:\n  web:\n    image: a\n    image: b\n'), '4 the key image stands twice in one map; remove one');
  assert.is(refused('services:\n  web:\n    image: *x\n'), '3 the alias *x has no anchor &x before it');
  assert.is(refused('services: &a\n  web:\n    x: *a\n'), '3 the alias *a stands inside what its own anchor names');
  const bomb = Array.from({ length: 12 }, (_, index) => `x-${index}: &a${index} [${Array(10).fill(index === 0 ? 'lol' : `*a${index - 1}`).join(', ')}]`).join('\n');
  assert.is(refused(bomb), '6 aliases multiply to more than 1000000 values here; write them out or remove them');
  const many = `services:\n  web:\n    image: a\n    environment:\n${Array.from({ length: 2000 }, (_, index) => `      K${index}: v\n`).join('')}`;
  assert.is(read(many).of('web').service.variables.length, 2000);
  assert.is(refused(many.replace('K0: v', 'K: v\n      L: v')), '4 environment of web has 2001 entries; unroot reads 2000, so split it or move it to a file');
});

compose('a key goes where the order of the file would have it, in its style', () => {
  const user = (text: string) => edited(text, (of) => insertKey(of('web'), 'user', { quoted: '1:1' }));
  assert.is(user('services:\n web:\n  image: a # why\n  ports: ["80:80"]'), 'services:\n web:\n  image: a # why\n  user: "1:1"\n  ports: ["80:80"]');
  assert.is(user('services:\r\n  web:\r\n    image: \'a\'\r\n'), "services:\r\n  web:\r\n    image: 'a'\r\n    user: '1:1'\r\n");
  assert.is(user('services:\n  web: {image: a, ports: []}\n'), 'services:\n  web: {image: a, ports: [], user: "1:1"}\n');
  assert.is(user('services:\n  web: {\n    "image": "a",\n    "ports": []\n  }\n'), 'services:\n  web: {\n    "image": "a",\n    "ports": [],\n    "user": "1:1"\n  }\n');
  assert.is(user('services:\n  web:\n    command: x\n    environment: {}\n    image: a\n    volumes: []\n'), 'services:\n  web:\n    command: x\n    environment: {}\n    image: a\n    user: "1:1"\n    volumes: []\n');
  assert.is(user('services:\n  db:\n    image: b\n    restart: always\n    user: x\n  web:\n    image: a\n    restart: always\n    init: true\n'), 'services:\n  db:\n    image: b\n    restart: always\n    user: x\n  web:\n    image: a\n    restart: always\n    user: "1:1"\n    init: true\n');
  assert.is(user('services:\n  web:\n    image: a\n\n  # the database\n  db:\n    image: b\n'), 'services:\n  web:\n    image: a\n    user: "1:1"\n\n  # the database\n  db:\n    image: b\n');
  assert.is(user('services:\n  web:\n    image: >-\n      a\n\n  db:\n    image: b\n'), 'services:\n  web:\n    image: >-\n      a\n    user: "1:1"\n\n  db:\n    image: b\n');
  assert.is(user('services:\n  web:\n    ? image\n    : a\n'), 'refused: the map has keys written with "? "');
  assert.is(user('services:\n  db: &d\n    image: a\n  web: *d\n'), 'refused: web is an alias of another map');
  assert.is(user('services:\n  web: &d\n    image: a\n  db:\n    <<: *d\n'), 'refused: db would change too');
  assert.is(user('x-d: &d\n  image: a\nservices:\n  db:\n    <<: *d\n  web:\n    <<: *d\n    ports: []\n'), 'x-d: &d\n  image: a\nservices:\n  db:\n    <<: *d\n  web:\n    <<: *d\n    user: "1:1"\n    ports: []\n');
});

compose('lists and settings grow in their own style', () => {
  const item = (text: string) => edited(text, (of) => insertItem(of('web'), 'tmpfs', '/run:uid=1'));
  assert.is(item('services:\n  web:\n    image: a\n    ports:\n    - 80:80\n'), 'services:\n  web:\n    image: a\n    ports:\n    - 80:80\n    tmpfs:\n    - /run:uid=1\n');
  assert.is(item('services:\n  web:\n    tmpfs:\n        - "/a" # first\n    image: a\n'), 'services:\n  web:\n    tmpfs:\n        - "/a" # first\n        - "/run:uid=1"\n    image: a\n');
  assert.is(item('services:\n  web:\n    tmpfs: [/a]\n'), 'services:\n  web:\n    tmpfs: [/a, /run:uid=1]\n');
  assert.is(item('services:\n  web:\n    tmpfs: /a\n'), 'refused: tmpfs of web is no list');
  const setting = (text: string) => edited(text, (of) => insertSetting(of('web'), 'environment', 'A', '1'));
  assert.is(setting('services:\n  web:\n    environment:\n      B: x\n'), 'services:\n  web:\n    environment:\n      B: x\n      A: "1"\n');
  assert.is(setting('services:\n  web:\n    environment:\n      - B=x\n'), 'services:\n  web:\n    environment:\n      - B=x\n      - A=1\n');
  assert.is(setting('services:\n  web:\n    image: a\n  db:\n    environment:\n      - B=x\n'), 'services:\n  web:\n    image: a\n    environment:\n      - A=1\n  db:\n    environment:\n      - B=x\n');
  assert.is(setting('x-e: &e {B: x}\nservices:\n  web:\n    environment: *e\n  db:\n    environment: *e\n'), 'refused: db would change too');
});

compose('values are replaced in their quotes and removed with their lines', () => {
  const replaced = (text: string, value: string) => edited(text, (of) => replaceText(of('web').service.at('user')!, value));
  assert.is(replaced('services:\n  web:\n    user: root # no\n', '1:1'), 'services:\n  web:\n    user: "1:1" # no\n');
  assert.is(replaced("services:\n  web:\n    user: 'root'\n", "it's"), "services:\n  web:\n    user: 'it''s'\n");
  assert.is(edited('services:\n  web:\n    command: ["x", "http://db:80/a"]\n', (of) => replaceInside(of('web').service.at('command', 1)!, 10, 12, '8080')), 'services:\n  web:\n    command: ["x", "http://db:8080/a"]\n');
  const deleted = (text: string, key: string) => edited(text, (of) => deleteKey(of('web'), key));
  assert.is(deleted('services:\n  web:\n    image: a\n    user: root # no\n    init: true\n', 'user'), 'services:\n  web:\n    image: a\n    init: true\n');
  assert.is(deleted('services:\n  web:\n    image: a\n    ports:\n      - 80:80\n', 'ports'), 'services:\n  web:\n    image: a\n');
  assert.is(deleted('services:\n  web:\n    image: a\n    user: root', 'user'), 'services:\n  web:\n    image: a');
  assert.is(deleted('services:\n  web: {user: root, image: a}\n', 'user'), 'services:\n  web: {image: a}\n');
  assert.is(deleted('x-a: &a {user: "1"}\nservices:\n  web:\n    <<: *a\n    user: root\n', 'user'), 'refused: web would then have user from elsewhere');
  assert.is(edited('services:\n  web:\n    ports:\n      - 80:80\n      - 81:81\n', (of) => deleteItem(of('web').service.at('ports')!, 0)), 'services:\n  web:\n    ports:\n      - 81:81\n');
});

compose('the letters of a block are found where they stand', () => {
  for (const eol of ['\n', '\r\n']) {
    const text = ['services:', '  web:', '    build:', '      dockerfile_inline: |', '        FROM a', '', '          RUN b', '    init: true', ''].join(eol);
    const { node } = read(text).of('web').service.at('build', 'dockerfile_inline')!;
    assert.ok(node.kind === 'scalar');
    assert.is(node.value, 'FROM a\n\n  RUN b\n');
    const offsets = offsetsOf(text, node)!;
    assert.is([...node.value].map((letter, index) => (letter === '\n' ? '\n' : text[offsets[index]!])).join(''), node.value);
  }
});

compose.run();
