import { memory, openMemory } from '#store/drivers/memory.ts';
import { describeStoreDriver } from '../support/store-driver-suite.ts';

describeStoreDriver('memory', { manifest: memory.manifest, open: openMemory, missing: false });
