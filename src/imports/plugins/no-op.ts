/** `no_op`: says that it ran, so that an operator sees a chain of plugins at work. */
import type { ImportPlugin } from './plugin.ts';

export function noOp(): ImportPlugin {
	return {
		async run({ image }, { log }) {
			log.info({ image: image.id }, 'the plugin no_op ran');
			return {};
		},
	};
}
