/** Every scenario, in the order in which it is run. To add some: one file, one line. */
import type { Scenario } from '../step.ts';
import { data } from './data.ts';
import { discovery } from './discovery.ts';
import { images } from './images.ts';
import { imports } from './imports.ts';
import { imageLists } from './lists.ts';
import { metadefs } from './metadefs.ts';
import { schemas } from './schemas.ts';
import { sharing } from './sharing.ts';
import { upkeep } from './upkeep.ts';

export const SCENARIOS: readonly Scenario[] = [
	...discovery,
	...schemas,
	...images,
	...imageLists,
	...sharing,
	...data,
	...metadefs,
	...imports,
	...upkeep,
];
