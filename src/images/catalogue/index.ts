import type { ImageEntry } from '../types.ts';
import { apps } from './apps.ts';
import { browsers } from './browsers.ts';
import { data } from './data.ts';
import { databases } from './databases.ts';
import { extended } from './extended.ts';
import { formerNames } from './former-names.ts';
import { infrastructure } from './infrastructure.ts';
import { languages } from './languages.ts';
import { operations } from './operations.ts';
import { platforms } from './platforms.ts';
import { selfHosted } from './self-hosted.ts';
import { services } from './services.ts';
import { systems } from './systems.ts';
import { webServers } from './web-servers.ts';

/** All that is known of images, in no order that matters: {@link lookUp} takes the most specific entry. */
export const catalogue: readonly ImageEntry[] = [
  ...systems,
  ...languages,
  ...webServers,
  ...databases,
  ...apps,
  ...data,
  ...browsers,
  ...operations,
  ...platforms,
  ...services,
  ...infrastructure,
  ...selfHosted,
  ...extended,
  ...formerNames,
];
