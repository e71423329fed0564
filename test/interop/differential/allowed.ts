/**
 * Where the two servers may differ, and why. An entry that no answer needs any more makes the test fail, so that this
 * list says what is true today.
 */
import type { Difference } from './portrait.ts';
import type { Step } from './step.ts';

export interface Allowed {
	/** for people, in docs/glance-compatibility.md */
	readonly reason: string;
	/** rows of features.ts that are not `pass` because of it; none for what clients do not notice */
	readonly rows?: readonly number[];
	/** of the request, as `METHOD path`; absent: any */
	readonly request?: RegExp;
	/** of the request's body; absent: any */
	readonly body?: RegExp;
	/** place of the difference, from its beginning to its end */
	readonly at: RegExp;
	readonly glance?: RegExp;
	readonly sundog?: RegExp;
}

export const ALLOWED: readonly Allowed[] = [
	// what is meant to be different
	{
		reason: 'stores is shown of a deactivated image too: it names stores, not places in them',
		at: /^body\.stores$/,
		glance: /^absent$/,
		sundog: /^"fast"$/,
	},
	{
		reason: 'a raw image of no bytes has a disk of no bytes; Glance does not know its size',
		request: /^GET \/v2\/images\/\$empty$/,
		at: /^body\.virtual_size$/,
		glance: /^null$/,
		sundog: /^0$/,
	},
	{
		reason: 'the stores that a new image is told of are those to upload to; Glance names its own folders too, at times',
		request: /^POST \/v2\/images$/,
		at: /^header openstack-image-store-ids$/,
		glance: /^"fast,slow,web,os_glance_staging_store,os_glance_tasks_store"$/,
		sundog: /^"fast,slow,web"$/,
	},
	{
		reason: 'stores is not in the schema, of which the glance command makes an option that it already has',
		request: /^GET \S*\/schemas\/images?$/,
		at: /^body\..*\bstores$/,
		sundog: /^absent$/,
	},
	{
		reason: 'the schema tells the least value that both servers insist on',
		request: /^GET \S*\/schemas\/images?$/,
		at: /\.min_(ram|disk)\.minimum$/,
		glance: /^absent$/,
		sundog: /^0$/,
	},
	{
		reason: 'descriptions in schemas are in our own words',
		request: /^GET \S*\/schemas\//,
		at: /^body\..*\.description$/,
	},
	{
		reason: 'versions are listed as the newest Glance does for what this node offers; Debian ends with 2.16',
		at: /^body\.versions\./,
	},
	{
		reason: 'answers given before authentication carry a request id too',
		at: /^header x-openstack-request-id$/,
		glance: /^absent$/,
	},
	{
		reason: 'a request id that is too long is refused, as Glance means to; it forgets to raise the error',
		rows: [10],
		request: /^GET \/v2\/schemas\/image$/,
		at: /^status$/,
		sundog: /^431$/,
	},
	{
		reason: 'HEAD asks for the size of the data without the data',
		request: /\/file$/,
		at: /^header allow$/,
		glance: /^"GET, PUT"$/,
		sundog: /^"GET, HEAD, PUT"$/,
	},
	{
		reason: 'HEAD of data that does not exist',
		request: /^HEAD \S*\/file$/,
		at: /^status$/,
		glance: /^405$/,
		sundog: /^404$/,
	},
	{
		reason: 'conditional requests are answered, as RFC 9110 describes',
		request: /^GET \S*\/file$/,
		at: /^status$/,
		glance: /^200$/,
		sundog: /^304$/,
	},
	{
		reason: 'a range that cannot be satisfied is answered with the size, as RFC 9110 asks',
		request: /\/file$/,
		at: /^header content-range$/,
		glance: /^absent$/,
		sundog: /^"bytes \*\//,
	},
	{
		reason: 'a range of no bytes, or with three numbers, cannot be satisfied; Glance sends the whole or a part',
		request: /^GET \S*\/file$/,
		at: /^status$/,
		glance: /^206$/,
		sundog: /^416$/,
	},
	{
		reason: 'links to pages keep all values of a parameter; Glance keeps the last, and its next page is of another list',
		request: /^GET \/v2\/images\?.*\b(\w+)=.*&\1=/,
		at: /^body\.(first|next)$/,
	},
	{
		reason: 'two sort parameters sort by both; Glance takes the second for the name of a property, and finds nothing',
		request: /[?&]sort=.*&sort=/,
		at: /^body\.images\.\d$/,
		glance: /^absent$/,
	},
	{
		reason: 'quotes inside of a quoted filter value are found; Glance looks for them with their backslashes',
		request: /%5C%22/,
		at: /^body\.images\.0$/,
		glance: /^absent$/,
	},
	{
		reason: 'names are compared letter by letter; MySQL takes capitals for small letters',
		request: /name=Delta$/,
		at: /^body\.images\.0$/,
		sundog: /^absent$/,
	},
	{
		reason: 'tags in a path are UTF-8; Glance under eventlet takes the bytes for Latin-1',
		request: /^GET \/v2\/images\/\$image$/,
		at: /^body\.tags\.\d$/,
		glance: /Ã|ð/,
	},
	{
		reason: 'a tag beyond U+FFFF is refused in a path as it is in a body',
		rows: [12],
		request: /^PUT \S*\/tags\/%F0/,
		at: /^status$/,
		glance: /^204$/,
		sundog: /^400$/,
	},
	{
		reason: 'whether the image of another project exists is not told by its use as marker',
		rows: [52],
		request: /marker=/,
		at: /^status$/,
		glance: /^403$/,
		sundog: /^400$/,
	},
	{
		reason: 'an owner who answers for a member that there is not is told so first, as in the newest Glance',
		request: /^PUT \S*\/members\/nobody$/,
		at: /^status$/,
		glance: /^403$/,
		sundog: /^404$/,
	},
	{
		reason: 'links to a namespace are URLs; Glance writes its name as it is',
		request: /\/metadefs\/namespaces/,
		at: /^(header location|body(\.namespaces\.\d+)?\.self)$/,
		sundog: /%20/,
	},
	{
		reason: 'the schema of tasks names the type that the newest Glance has for locations',
		request: /\/schemas\/tasks?$/,
		at: /\.type\.enum\.2$/,
		glance: /^absent$/,
	},

	// what is refused as bad input, where Debian's Glance fails or looks away
	{
		reason: 'bad input is 4xx where Glance fails with 500',
		at: /^status$/,
		glance: /^500$/,
		sundog: /^4\d\d$/,
	},
	{
		reason: 'an image without data has no range; Glance fails with 500',
		request: /\/file$/,
		at: /^status$/,
		glance: /^500$/,
		sundog: /^204$/,
	},
	{
		reason: 'a list with a body is refused like every other request that needs none',
		request: /^GET \/v2\/images$/,
		at: /^status$/,
		glance: /^200$/,
		sundog: /^400$/,
	},
	{
		reason: 'a JSON pointer to an empty name is refused; Glance makes a property without a name, or cuts the slash',
		request: /^PATCH /,
		at: /^status$/,
		glance: /^200$/,
		sundog: /^400$/,
	},
	{
		reason: 'what Glance had made of those pointers before',
		request: /^GET \/v2\/images\/\$image$/,
		at: /^body\.(name)?$/,
		glance: /^"x"$/,
	},
	{
		reason: 'a size that is no number is refused; MySQL compares it with 0',
		request: /&size=x$/,
		at: /^status$/,
		glance: /^200$/,
		sundog: /^400$/,
	},
	{
		reason: 'a member is named by a text; Glance stores the number 5',
		request: /\/members$/,
		at: /^status$/,
		glance: /^200$/,
		sundog: /^400$/,
	},
	{
		reason: 'another method on a known path is 405; Glance has forgotten these two paths',
		request: /^POST \/v2\/(images\/\$image\/tasks|info\/usage)$/,
		at: /^status$/,
		glance: /^404$/,
		sundog: /^405$/,
	},
	{
		reason: 'a namespace without a name could not be addressed',
		request: /^POST \S*\/namespaces$/,
		body: /"namespace":""/,
		at: /^status$/,
		glance: /^(201|409)$/,
		sundog: /^400$/,
	},

	// what depends on how this Glance is set up
	{
		reason: 'Glance leaves out the length of what it sends from its cache',
		request: /\/file$/,
		at: /^header content-length$/,
		glance: /^"undefined"$/,
	},
];

export function findAllowed(
	step: Step,
	{ at, glance, sundog }: Difference,
	allowed: readonly Allowed[] = ALLOWED,
): Allowed | undefined {
	const request = `${step.method} ${step.path}`;
	return allowed.find(
		(entry) =>
			(entry.request?.test(request) ?? true) &&
			(entry.body?.test(String(step.body ?? '')) ?? true) &&
			entry.at.test(at) &&
			(entry.glance?.test(JSON.stringify(glance) ?? 'absent') ?? true) &&
			(entry.sundog?.test(JSON.stringify(sundog) ?? 'absent') ?? true),
	);
}
