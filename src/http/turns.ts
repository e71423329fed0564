import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The requests of one connection, one after the other: the next begins when the answer before it is out, and never when
 * that answer ended the connection. Node's parser hands out whatever follows at once, also behind a request that is being
 * refused because nobody can say where it ends. A client that has more than `maxWaiting` requests wait is cut off.
 */
export function createTurns(maxWaiting: number) {
	const waiting = new WeakMap<Socket, (() => void)[]>();

	function next(socket: Socket): void {
		const begin = socket.destroyed || socket.writableEnded ? undefined : waiting.get(socket)?.shift();
		if (begin === undefined) waiting.delete(socket);
		else begin();
	}
	return function inTurn({ socket }: IncomingMessage, outgoing: ServerResponse, begin: () => void): void {
		outgoing.once('close', () => next(socket));
		const others = waiting.get(socket);
		if (others === undefined) {
			waiting.set(socket, []);
			begin();
		} else if (others.push(begin) > maxWaiting) socket.destroy();
	};
}
