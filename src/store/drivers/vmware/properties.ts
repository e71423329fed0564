import type { Session } from './session.ts';
import { type Ref, refXml, textXml } from './soap.ts';
import { childOf, childrenOf, type XmlElement } from './xml.ts';

/** Properties of objects of one type; a row each, without those that the server did not tell. */
export async function retrieve(
	{ call, services }: Session,
	refs: readonly [Ref, ...Ref[]] | readonly Ref[],
	paths: readonly string[],
	signal: AbortSignal,
): Promise<readonly ReadonlyMap<string, XmlElement>[]> {
	const type = refs[0]?.type ?? '';
	const wanted = `<propSet>${textXml('type', type)}${paths.map((path) => textXml('pathSet', path)).join('')}</propSet>`;
	const objects = refs.map((ref) => `<objectSet>${refXml('obj', ref)}</objectSet>`).join('');
	const parameters = `<specSet>${wanted}${objects}</specSet>`;
	const answer = await call('RetrieveProperties', services.propertyCollector, parameters, signal);
	return childrenOf(answer, 'returnval').map(
		(row) =>
			new Map(
				childrenOf(row, 'propSet').flatMap((property) => {
					const value = childOf(property, 'val');
					return value === undefined ? [] : [[childOf(property, 'name')?.text ?? '', value] as const];
				}),
			),
	);
}
