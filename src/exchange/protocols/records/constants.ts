import { KiB, MiB } from '#lib/sizes.ts';

export const RECORDS_PROTOCOL = '/sundog/records/1';
export const MAX_RECORDS_FRAME_BYTES = 4 * MiB;
/** logs that a vector may name; one log a node */
export const MAX_VECTOR_LOGS = 16_384;
export const MAX_LOG_NAME_CHARS = 128;
export const MAX_BATCH_ENTRIES = 65_536;
/** what the encoding of a batch may add to its entries */
export const BATCH_OVERHEAD_BYTES = 64 * KiB;
/** A peer subscribes once; a second stream may come while the first is ending. */
export const MAX_RECORDS_STREAMS = 2;
