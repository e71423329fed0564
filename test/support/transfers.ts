import type { ImageClient } from './image-client.ts';

export type SourceKind = 'local' | 'peer' | 'origin';

export type BytesBySource = Readonly<Record<SourceKind, number>>;

/** Where the bytes of an image came from on the node asked, since that node started. */
export async function bytesBySource(client: Pick<ImageClient, 'call'>, image: string): Promise<BytesBySource> {
	const answer = await client.call('GET', '/admin/v1/transfers');
	if (answer.status !== 200) throw new Error(`transfers: ${answer.status} ${answer.body}`);
	const { transfers } = JSON.parse(answer.body) as { readonly transfers: readonly Transfer[] };
	const total = { local: 0, peer: 0, origin: 0 };
	for (const { images, sources } of transfers)
		if (images.includes(image)) for (const { kind, bytes } of sources) total[kind] += bytes;
	return total;
}

interface Transfer {
	readonly images: readonly string[];
	readonly sources: readonly { readonly kind: SourceKind; readonly bytes: number }[];
}
