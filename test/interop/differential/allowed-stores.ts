/** Where the two servers may differ in what several stores do, and why: allowed.ts for stores. */
import type { Allowed } from './allowed.ts';

export const ALLOWED_OF_STORES: readonly Allowed[] = [
	// what is meant to be different
	{
		reason: 'the stores that a new image is told of are those to upload to; Glance names its own folders too, at times',
		request: /^POST \/v2\/images$/,
		at: /^header openstack-image-store-ids$/,
		glance: /^"fast,slow,web(,swift)?,os_glance_staging_store,os_glance_tasks_store"$/,
		sundog: /^"fast,slow,web(,swift)?"$/,
	},
	{
		reason: 'stores have a weight, as in the newest Glance',
		request: /^GET \/v2\/info\/stores\/detail$/,
		at: /^body\.stores\.\d\.weight$/,
		glance: /^absent$/,
		sundog: /^0$/,
	},
	{
		reason: 'of stores of one weight the order means nothing',
		at: /^body\.(stores|locations\.\d\.metadata\.store)$/,
		glance: /^"(slow,fast|slow|fast)"$/,
		sundog: /^"(fast,slow|slow|fast)"$/,
	},
	{
		reason: 'that an image is not in a store is said also of one that is in a single store',
		rows: [98],
		request: /^DELETE \/v2\/stores\//,
		at: /^status$/,
		glance: /^403$/,
		sundog: /^404$/,
	},
	{
		reason: 'the bytes are at the site too: they are given when every store has lost them',
		request: /^GET \S*\/file$/,
		at: /^status$/,
		glance: /^204$/,
		sundog: /^200$/,
	},
	{
		reason: 'that there is no such image is said before that there is no such store',
		request: /^PUT \S*\/\$missing\/file$/,
		at: /^status$/,
		glance: /^400$/,
		sundog: /^404$/,
	},

	// what is refused at once, where Glance begins a task that fails
	{
		reason: 'an import to a store that takes nothing is refused; Glance begins a task that fails',
		rows: [79],
		request: /\/import$/,
		at: /^status$/,
		glance: /^202$/,
		sundog: /^409$/,
	},
	{
		reason: 'an import to no store at all is refused',
		rows: [79],
		request: /\/import$/,
		body: /"stores":(\[\]|\{\})/,
		at: /^status$/,
		glance: /^202$/,
		sundog: /^400$/,
	},
	{
		reason: 'stores is a list of texts; Glance takes each letter of a text, and a number, for the id of a store',
		request: /\/import$/,
		body: /"stores":("fast"|\[5\])/,
		at: /^status$/,
		glance: /^409$/,
		sundog: /^400$/,
	},
	{
		reason: 'bad input is 4xx where Glance fails with 500',
		at: /^status$/,
		glance: /^500$/,
		sundog: /^4\d\d$/,
	},
];

/** Needed only where there is a store of Swift. */
export const ALLOWED_OF_SWIFT: readonly Allowed[] = [
	{
		reason: 'a place shows no credentials: the account is named by a reference',
		at: /^body\.locations\.\d\.url$/,
		glance: /^"swift\+http:\/\/[^/]*@/,
		sundog: /^"swift\+config:\/\/ref1\//,
	},
];
