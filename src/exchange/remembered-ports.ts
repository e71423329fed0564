/**
 * A node that lets the system pick its port would have a new address after every start, and peers that know the old one
 * would look for it in vain. So it asks for the port it had last time, if that is still free.
 *
 * `listen` with each `/tcp/0` replaced by the port under which the same host was announced before; undefined when there
 * is nothing to remember.
 */
export function withRememberedPorts(listen: readonly string[], announced: readonly string[]): readonly string[] | undefined {
	const free = [...announced];
	const remembered = listen.map((address) => {
		const host = /^(\/ip[46]\/[^/]+\/tcp\/)0$/.exec(address)?.[1];
		const index = host === undefined ? -1 : free.findIndex((candidate) => isPortOf(candidate, host));
		return index === -1 ? address : (free.splice(index, 1)[0] ?? address);
	});
	return remembered.every((address, index) => address === listen[index]) ? undefined : remembered;
}

function isPortOf(address: string, host: string): boolean {
	return address.startsWith(host) && /^[1-9]\d*$/.test(address.slice(host.length));
}
