/**
 * Who may do what with an image, as a status of the API: written from Glance's documents, and knowing nothing of the code
 * that answers. What may not be seen is 404, what may be seen and not done is 403, and only then the image's state counts.
 */
export const VISIBILITIES = ['private', 'shared', 'community', 'public'] as const;
export const MEMBERSHIPS = ['none', 'pending', 'accepted', 'rejected'] as const;
export const STATUSES = ['queued', 'saving', 'uploading', 'active', 'deactivated', 'deleted'] as const;

export interface Caller {
	readonly roles: readonly string[];
	readonly project: string | null;
	/** the token is for the system, not for a project */
	readonly system?: true;
}
export interface Situation {
	/** the new defaults, or those they replaced */
	readonly rules: 'new' | 'legacy';
	readonly caller: Caller;
	readonly owner: string | null;
	readonly visibility: (typeof VISIBILITIES)[number];
	readonly status: (typeof STATUSES)[number];
	/** of the caller's project */
	readonly membership: (typeof MEMBERSHIPS)[number];
	readonly hidden: boolean;
	readonly protected: boolean;
}
type Claim = (s: Situation) => boolean;

const is =
	(role: string): Claim =>
	({ caller }) =>
		caller.roles.includes(role);
const owns: Claim = ({ caller, owner }) => caller.project !== null && owner === caller.project;
const isOpen: Claim = ({ visibility }) => visibility === 'public' || visibility === 'community';
const isMember: Claim = ({ membership }) => membership !== 'none';
const isShared: Claim = ({ visibility }) => visibility === 'shared';
const exists: Claim = (s) =>
	s.status !== 'deleted' && (is('admin')(s) || s.owner === null || isOpen(s) || owns(s) || (isShared(s) && isMember(s)));
const isOthers: Claim = (s) => s.caller.project !== null && !owns(s);

/** For the administrator and whoever passes the check, with a project's token; the older rules let everybody, or owners. */
const rule =
	(check: Claim, older: Claim = () => true): Claim =>
	(s) =>
		s.rules === 'legacy' ? is('admin')(s) || older(s) : !s.caller.system && (is('admin')(s) || check(s));
const nobody: Claim = () => false;
const isNotPrivateOfOthers: Claim = (s) => owns(s) || s.visibility !== 'private';
const mayRead = rule((s) => is('reader')(s) && isNotPrivateOfOthers(s));
const mayDownload = rule((s) => is('member')(s) && isNotPrivateOfOthers(s));
const mayChange = rule((s) => is('member')(s) && owns(s), owns);
const mayPublish = rule(nobody, nobody);
const mayManage = mayPublish;
const mayLocate = rule(is('service'), is('service'));
const mayAddLocation: Claim = (s) => mayLocate(s) || (!s.caller.system && is('member')(s) && owns(s));
const mayEmptyStore = rule(nobody, owns);
const mayKnowMembers = rule((s) => is('reader')(s) && s.caller.project !== null);
const mayAnswer = rule((s) => is('member')(s) && isOthers(s), isOthers);
export const mayGet: Claim = (s) => exists(s) && mayRead(s);

type Answer = (s: Situation) => number;
const given =
	(may: Claim, answer: Answer): Answer =>
	(s) =>
		exists(s) && may(s) ? answer(s) : mayGet(s) ? 403 : 404;
const always =
	(status: number): Answer =>
	() =>
		status;
const whileIn =
	(statuses: readonly string[], status: number, otherwise: number): Answer =>
	(s) =>
		statuses.includes(s.status) ? status : otherwise;
/** Members are looked at by who may get the image, then by who may look at members, and only of shared images. */
const ofShared = (may: Claim, answer: Answer) =>
	given(
		mayGet,
		given((s) => may(s) && isShared(s), answer),
	);
const ofMember = (isKnown: Claim, may: Claim, status: number) =>
	ofShared(mayKnowMembers, (s) => (!isKnown(s) ? 404 : may(s) ? status : 403));
const concealed =
	(answer: Answer): Answer =>
	(s) =>
		answer(s) === 403 ? 404 : answer(s);
const knowsOthers: Claim = (s) => is('admin')(s) || owns(s);
const deactivatable = given(mayChange, whileIn(['active', 'deactivated'], 204, 403));
const download: Answer = (s) =>
	s.status === 'deactivated' && !is('admin')(s) ? 403 : whileIn(['active', 'deactivated'], 200, 204)(s);

export const ANSWERS = {
	show: given(mayRead, always(200)),
	rename: given(mayChange, always(200)),
	'change nothing': given(mayRead, always(200)),
	publicize: given(mayPublish, always(200)),
	communitize: given(mayChange, always(200)),
	privatize: given(mayChange, always(200)),
	'give away': given(mayPublish, always(200)),
	remove: given(mayChange, (s) => (s.protected ? 403 : 204)),
	upload: given(mayChange, whileIn(['queued'], 204, 409)),
	stage: given(mayChange, whileIn(['queued'], 204, 409)),
	import: given(mayChange, whileIn(['uploading'], 202, 409)),
	download: given(mayDownload, download),
	'download a part': given(mayDownload, (s) => (download(s) === 200 ? 206 : download(s))),
	'ask for the size': given(mayDownload, download),
	deactivate: deactivatable,
	reactivate: deactivatable,
	'add a tag': given(mayChange, always(204)),
	'drop a tag': given(mayChange, always(204)),
	'list locations': given(mayLocate, always(200)),
	'add a location': given(mayAddLocation, whileIn(['queued'], 202, 409)),
	'remove from a store': given(mayEmptyStore, whileIn(['active'], 204, 409)),
	'list tasks': given(mayRead, always(200)),
	'list members': ofShared(mayKnowMembers, always(200)),
	'add a member': ofShared(mayChange, always(200)),
	'show itself': concealed(ofMember(isMember, () => true, 200)),
	'show another': concealed(ofMember(knowsOthers, () => true, 200)),
	'accept for itself': ofMember(isMember, mayAnswer, 200),
	'accept for another': ofMember(knowsOthers, mayAnswer, 200),
	'remove itself': ofMember(isMember, mayChange, 204),
	'remove another': ofMember(knowsOthers, mayChange, 204),
	cache: given(mayManage, whileIn(['active'], 202, 400)),
	'ask who caches': given(mayManage, always(200)),
	'drop from the cache': given(mayManage, always(204)),
	'cache as before': given(mayManage, whileIn(['active'], 200, 400)),
	'drop from the queue as before': given(mayManage, always(200)),
	'drop from the cache as before': given(mayManage, always(200)),
} as const satisfies Readonly<Record<string, Answer>>;

/** Of an image that is to be; the older rules compare owners, and somebody without project may own nothing with nobody. */
export const answerToCreation = (s: Situation): number => {
	const may = rule(
		(each) => is('member')(each) && owns(each),
		({ caller, owner }) => owner === caller.project,
	)(s);
	return may && (s.visibility !== 'public' || mayPublish(s)) ? 201 : 403;
};

export interface ListQuery {
	readonly visibility?: string;
	readonly member_status?: string;
	readonly os_hidden?: string;
}

export const mayList = rule((s) => is('reader')(s) && s.caller.project !== null);

/** Own images, public ones, those shared with an answer that is asked for, others' community images when asked for. */
export const isListed = (s: Situation, { visibility, member_status = 'accepted', os_hidden = 'false' }: ListQuery): boolean => {
	if (!mayGet(s) || String(s.hidden) !== os_hidden) return false;
	if (visibility !== undefined && visibility !== 'all' && visibility !== s.visibility) return false;
	if (owns(s) || s.visibility === 'public') return true;
	if (s.visibility === 'community') return visibility !== undefined;
	return is('admin')(s) || (isShared(s) && isMember(s) && (member_status === 'all' || member_status === s.membership));
};
