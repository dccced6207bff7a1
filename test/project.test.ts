import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Configs } from '../src/config.ts';
import { Disk } from '../src/disk.ts';
import { groupsOf, link, type SourceFile } from '../src/project.ts';

const projects = suite('what belongs together');

projects('an image is probably built from the folder that it is called after, with or without the project, whatever the clone is called', () => {
  const compose = file('/src/store/compose.yaml', 'compose', 'services:\n  a: { image: team/store-cart }\n  b: { image: team/pay }\n  c: { image: team/store }\n  d: { image: other/shop-list }\n');
  const dockerfiles = ['cart', 'pay', 'docker', 'list'].map((folder) => file(`/src/store/${folder}/Dockerfile`, 'dockerfile', 'FROM scratch\n'));
  const disk = new Disk('/src/store').with(new Map([['/src/store/go.mod', 'module example.org/team/store/v2\n']]));
  const files = [compose, ...dockerfiles];
  assert.equal(groupsOf(files, disk).map((group) => group.length), [4, 1], 'list is no folder of the project shop');
  const { targets } = link(files, disk, new Configs(disk, []));
  assert.equal(targets.map(({ probable }) => probable.map(({ service }) => service.name)), [['a'], ['b'], ['c'], []]);
});

projects.run();

function file(path: string, kind: SourceFile['kind'], text: string): SourceFile {
  return { path: path.replace('/src/store/', ''), absolute: path, kind, text, root: '/src/store' };
}
