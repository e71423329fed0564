import type { Socket } from 'node:net';

/**
 * Connections that have not sent a request yet, by the address they come from. One address may have `max` of them; one
 * more closes the oldest. Whoever opens many and says nothing thus only crowds out themselves, while a client that
 * speaks at once is served from the same address, a proxy's included.
 */
export function createNewcomers(max: number) {
	const byAddress = new Map<string, Set<Socket>>();
	const forgets = new WeakMap<Socket, () => void>();

	function arrived(socket: Socket): void {
		// a connection that was reset at once has no address any more
		const address = socket.remoteAddress ?? '';
		const silent = byAddress.get(address) ?? new Set();
		const forget = () => {
			if (silent.delete(socket) && silent.size === 0) byAddress.delete(address);
		};
		byAddress.set(address, silent.add(socket));
		forgets.set(socket, forget);
		socket.once('close', forget);
		if (silent.size > max) silent.values().next().value?.destroy();
	}
	function closeAll(): void {
		for (const silent of [...byAddress.values()]) for (const socket of [...silent]) socket.destroy();
	}
	return { arrived, spoke: (socket: Socket): void => forgets.get(socket)?.(), closeAll };
}
