import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogue } from '../src/images/catalogue/index.ts';
import { lookUp } from '../src/images/lookup.ts';
import { FAMILIES } from '../src/images/recipes.ts';
import { parseReference } from '../src/images/reference.ts';
import type { ImageEntry } from '../src/images/types.ts';

const images = suite('images');

/** Whom an image starts as and what it is built on, as the catalogue's sources say. */
const KNOWN: [reference: string, family: string, user: string, action: string][] = [
  ['alpine:3.19', 'alpine', 'root', 'create-user'],
  ['debian', 'debian', 'root', 'create-user'],
  ['ubuntu:14.04', 'ubuntu', 'root', 'create-user'],
  ['busybox:musl', 'busybox', 'root', 'create-user'],
  ['centos:7', 'rhel', 'root', 'create-user'],
  ['amazonlinux:2023', 'amazonlinux', 'root', 'create-user'],
  ['registry.access.redhat.com/ubi9/ubi-minimal:9.4', 'ubi-minimal', 'root', 'create-user'],
  ['registry.access.redhat.com/ubi9-micro', 'ubi-micro', 'root', 'numeric-user'],
  ['gcr.io/distroless/static', 'distroless', 'root', 'swap-image'],
  ['gcr.io/distroless/static-debian12:latest', 'distroless', 'root', 'swap-image'],
  ['gcr.io/distroless/static:nonroot', 'distroless', '65532', 'already-nonroot'],
  ['gcr.io/distroless/base-debian12:debug-nonroot-amd64', 'distroless', '65532', 'already-nonroot'],
  ['gcr.io/distroless/nodejs22-debian12', 'distroless', 'root', 'swap-image'],
  ['gcr.io/distroless/java21-debian12:nonroot', 'distroless', '65532', 'already-nonroot'],
  ['node:22', 'debian', 'root', 'use-existing'],
  ['node:22-alpine3.20', 'alpine', 'root', 'use-existing'],
  ['node:6-stretch', 'debian', 'root', 'use-existing'],
  ['python:3.12-slim', 'debian', 'root', 'create-user'],
  ['python:2.7-alpine', 'alpine', 'root', 'create-user'],
  ['python:3.12-windowsservercore-ltsc2022', 'windows', 'root', 'create-user'],
  ['golang:1.22', 'debian', 'root', 'create-user'],
  ['php:8.3-apache', 'debian', 'root', 'reconfigure'],
  ['php:8.3-fpm-alpine', 'alpine', 'root', 'use-existing'],
  ['php:8.3', 'debian', 'root', 'use-existing'],
  ['eclipse-temurin:21', 'ubuntu', 'root', 'create-user'],
  ['eclipse-temurin:21-jre-alpine', 'alpine', 'root', 'create-user'],
  ['eclipse-temurin:21-ubi9-minimal', 'ubi-minimal', 'root', 'create-user'],
  ['java:8-jre', 'debian', 'root', 'create-user'],
  ['java:openjdk-8-alpine', 'alpine', 'root', 'create-user'],
  ['openjdk:8-jre', 'debian', 'root', 'create-user'],
  ['openjdk:8-jdk-alpine', 'alpine', 'root', 'create-user'],
  ['openjdk:17', 'rhel', 'root', 'create-user'],
  ['openjdk:17-slim-buster', 'debian', 'root', 'create-user'],
  ['amazoncorretto:17', 'amazonlinux', 'root', 'create-user'],
  ['maven:3.9', 'ubuntu', 'root', 'create-user'],
  ['maven:3-jdk-8-slim', 'debian', 'root', 'create-user'],
  ['mcr.microsoft.com/dotnet/aspnet:8.0', 'debian', 'root', 'use-existing'],
  ['mcr.microsoft.com/dotnet/aspnet:10.0', 'ubuntu', 'root', 'use-existing'],
  ['mcr.microsoft.com/dotnet/aspnet:8.0-jammy-chiseled', 'distroless', '1654', 'already-nonroot'],
  ['mcr.microsoft.com/dotnet/aspnet:6.0-alpine', 'alpine', 'root', 'create-user'],
  ['mcr.microsoft.com/dotnet/sdk:8.0-nanoserver-1809', 'windows', 'ContainerUser', 'windows'],
  ['nginx', 'debian', 'root', 'swap-image'],
  ['nginx:1.27-alpine', 'alpine', 'root', 'swap-image'],
  ['nginxinc/nginx-unprivileged:stable', 'debian', '101', 'already-nonroot'],
  ['nginx:1.13-alpine', 'alpine', 'root', 'swap-image'],
  ['httpd:2.4', 'debian', 'root', 'reconfigure'],
  ['fluentd:v1.16-debian-1', 'debian', 'fluent', 'already-nonroot'],
  ['docker.elastic.co/beats/filebeat:8.15.0', 'unknown', '1000', 'already-nonroot'],
  ['maildev/maildev', 'alpine', '1000', 'already-nonroot'],
  ['dunglas/frankenphp:1-php8.3-alpine', 'alpine', 'root', 'use-existing'],
  ['quay.io/soketi/soketi:latest-16-debian', 'debian', 'root', 'use-existing'],
  ['manticoresearch/manticore:6.3', 'debian', 'root', 'self-drops'],
  ['drupal:10', 'debian', 'root', 'reconfigure'],
  ['tomcat:8.5.19', 'debian', 'root', 'create-user'],
  ['tomcat:9.0-jre17-temurin-jammy', 'ubuntu', 'root', 'create-user'],
  ['adoptopenjdk/openjdk11:alpine-jre', 'alpine', 'root', 'create-user'],
  ['mcr.microsoft.com/dotnet/core/aspnet:3.1', 'debian', 'root', 'create-user'],
  ['apache/apisix:3.9.0-debian', 'debian', '636', 'already-nonroot'],
  ['tiangolo/uwsgi-nginx-flask:python3.8', 'debian', 'root', 'needs-root'],
  ['nvidia/cuda:12.2.0-base-ubuntu22.04', 'ubuntu', 'root', 'create-user'],
  ['haproxy:2.9', 'debian', '99', 'already-nonroot'],
  ['postgres:16-alpine', 'alpine', 'root', 'self-drops'],
  ['mysql:8', 'rhel', 'root', 'self-drops'],
  ['mariadb:11', 'ubuntu', 'root', 'self-drops'],
  ['mariadb:11-ubi', 'ubi-minimal', '999', 'already-nonroot'],
  ['redis:7.2', 'debian', 'root', 'self-drops'],
  ['redis:6-alpine', 'alpine', 'root', 'self-drops'],
  ['redis', 'debian', 'root', 'self-drops'],
  ['mongo:7', 'ubuntu', 'root', 'self-drops'],
  ['memcached:1.6', 'debian', '11211', 'already-nonroot'],
  ['jenkins/jenkins:lts', 'debian', '1000', 'already-nonroot'],
  ['grafana/grafana:11.0.0', 'alpine', '472', 'already-nonroot'],
  ['gitea/gitea:1.22-rootless', 'alpine', '1000', 'already-nonroot'],
  ['linuxserver/sonarr', 'unknown', 'root', 'self-drops'],
  ['lscr.io/linuxserver/sonarr:latest', 'unknown', 'root', 'self-drops'],
  ['phusion/baseimage:jammy-1.0.4', 'ubuntu', 'root', 'needs-root'],
  ['docker:dind', 'alpine', 'root', 'swap-image'],
  ['bitnami/redis:7.2', 'debian', '1001', 'already-nonroot'],
  ['cgr.dev/chainguard/wolfi-base', 'wolfi', 'root', 'create-user'],
];

for (const [text, family, user, action] of KNOWN) {
  images(text, () => {
    const facts = lookUp(parseReference(text)!);
    assert.ok(facts, 'is known');
    const own = facts!.entry.user;
    assert.is(facts!.family, family);
    assert.is(typeof own === 'string' ? own : String(own.uid ?? own.name), user);
    assert.is(facts!.entry.action, action);
  });
}

const SPELLINGS: [text: string, repo: string | undefined, match?: 'exact' | 'probable', tag?: string][] = [
  ['node', 'library/node', 'exact'],
  ['node:20', 'library/node', 'exact', '20'],
  ['docker.io/node', 'library/node', 'exact'],
  ['index.docker.io/library/node:20', 'library/node', 'exact', '20'],
  ['registry-1.docker.io/library/node', 'library/node', 'exact'],
  ['mirror.gcr.io/library/node:20', 'library/node', 'exact', '20'],
  ['public.ecr.aws/docker/library/node:20', 'library/node', 'exact', '20'],
  ['arm64v8/node:20', 'library/node', 'exact', '20'],
  ['docker.io/arm32v7/node', 'library/node', 'exact'],
  ['registry.example.com/library/node:20', 'library/node', 'probable', '20'],
  ['example.jfrog.io/docker-remote/library/node', 'library/node', 'probable'],
  ['localhost:5000/node:20', 'localhost:5000/node', 'exact', '20'],
  ['corp/nginx', 'corp/nginx', 'exact'],
  ['registry.example.com/nginx', 'registry.example.com/nginx', 'exact'],
  ['gcr.io/distroless/static', 'gcr.io/distroless/static', 'exact'],
  ['scratch', 'scratch', 'exact'],
  [`node:20@sha256:${'a'.repeat(64)}`, 'library/node', 'exact', '20'],
  [`node@sha256:${'a'.repeat(64)}`, 'library/node', 'exact'],
  ['Node', undefined],
  ['$BASE', undefined],
  ['node:', undefined],
  ['', undefined],
  ['a b', undefined],
];

for (const [text, repo, match, tag] of SPELLINGS) {
  images(`reference ${text.slice(0, 60)}`, () => {
    const reference = parseReference(text);
    assert.is(reference?.repo, repo);
    assert.is(reference?.match, match);
    assert.is(reference?.tag, tag);
  });
}

images('a digest alone leaves the family open where tags differ in it', () => {
  const digest = `@sha256:${'a'.repeat(64)}`;
  assert.is(lookUp(parseReference(`node${digest}`)!)!.family, 'unknown');
  assert.is(lookUp(parseReference(`debian${digest}`)!)!.family, 'debian');
  assert.is(lookUp(parseReference(`node:20-alpine${digest}`)!)!.family, 'alpine');
});

images('a mirror by convention is not as good as verified', () => {
  assert.ok(lookUp(parseReference('node:20')!)!.verified);
  assert.not.ok(lookUp(parseReference('registry.example.com/library/node:20')!)!.verified);
});

images('a bare last name is no match', () => assert.is(lookUp(parseReference('corp/nginx')!), undefined));

images('accounts are those of the family', () => {
  assert.equal(lookUp(parseReference('php:8-fpm')!)!.accounts, [{ name: 'www-data', uid: 33, gid: 33, where: ['debian'] }]);
  assert.equal(lookUp(parseReference('php:8-fpm-alpine')!)!.accounts, [{ name: 'www-data', uid: 82, gid: 82, where: ['alpine'] }]);
});

images('the catalogue is of one piece', () => {
  const ids = catalogue.map(({ id }) => id);
  assert.is(new Set(ids).size, ids.length, 'ids are unique');
  assert.ok(catalogue.length >= 240, `${catalogue.length} entries`);
  for (const { id, sources, verified, unpacks, writes, reads, volumes, worldWritable } of catalogue) {
    assert.ok(!verified || sources.length > 0, `${id} names what it was read in`);
    for (const source of sources) assert.match(source, /^(repo|idx|chroot|build|run): ?\S/, `${id}: ${source}`);
    for (const path of [...(writes ?? []), ...(reads ?? []), ...(volumes ?? []), ...(worldWritable ?? [])]) assert.match(path, /^\/[\w./+-]*$/, id);
    assert.ok(unpacks === undefined || /^\/[\w./-]+\/[*?\w.-]+$/.test(unpacks), id);
  }
});

for (const entry of catalogue) {
  images(`${entry.id} can be asked for, and says whether it can be relied on`, () => {
    const found = referencesTo(entry).map((text) => ({ text, facts: lookUp(parseReference(text)!) }));
    const own = found.find(({ facts }) => facts?.entry === entry);
    assert.ok(own, `none of ${found.map(({ text }) => text).join(', ')} leads to it`);
    const { facts, text } = own!;
    assert.is(facts!.verified, entry.verified, text);
    assert.ok(facts!.accounts.every(({ where }) => where === undefined || where.includes(facts!.family)), 'accounts are of the family');
    if (typeof entry.user !== 'string') assert.ok(entry.user.name ?? entry.user.uid, 'the user has a name or a number');
    if (entry.action === 'already-nonroot') assert.is.not(entry.user, 'root');
  });
}

/** References that an entry's patterns mean: each repository with a tag that its globs let in. */
function referencesTo({ repos, tags = [], familyByTag = [] }: ImageEntry): string[] {
  const filled = (glob: string) => glob.replaceAll('*', '1').replaceAll('?', '1');
  const wanted = tags.filter((glob) => !glob.startsWith('!')).map(filled);
  const names = [...wanted, ...(wanted.length === 0 ? ['latest', '1.0', '4', ...familyByTag.map(([glob]) => filled(glob))] : [])];
  return repos.flatMap((repo) => {
    const name = filled(repo).replace(/^library\//, '');
    return repo === 'scratch' ? [repo] : names.map((tag) => `${name}:${tag}`);
  });
}

images('every family that an entry names is one that accounts can be made for, or says that they can\'t', () => {
  for (const { id, family, familyByTag = [] } of catalogue) {
    for (const one of [family, ...familyByTag.map(([, other]) => other)]) assert.ok(one === 'unknown' || one === 'windows' || one in FAMILIES, `${id}: ${one}`);
  }
});

images.run();
