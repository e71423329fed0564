/**
 * What a node is told, parsed once and then trusted: no other part reads the environment, a flag or a file of settings.
 * `load.ts` makes it, docs/operating.md lists every setting. Values are complete: defaults are already filled in.
 */
export interface Config {
	/** REST. Port 0: the system picks a free one */
	readonly listen: { readonly host: string; readonly port: number };
	/** multiaddrs without the /p2p part */
	readonly peerListen: readonly string[];
	/** absolute */
	readonly dataDir: string;
	readonly site: string;
	/** multiaddrs of peers to dial, with the /p2p part */
	readonly bootstrap: readonly string[];
	/** one-time token of `sundog fleet invite`: needed once, by a node that is not yet a member */
	readonly join?: string;
	readonly logLevel: LogLevel;
	/** how long running requests may take to end after the first signal */
	readonly shutdownGraceMs: number;
	readonly stores: StoresConfig;
	/** Node's name of the digest that images carry as `os_hash_algo` */
	readonly hashAlgorithm: string;
	readonly auth: AuthConfig;
	/** absent: no Keystone is talked to */
	readonly keystone?: KeystoneConfig;
	readonly policy: PolicyConfig;
	/** absent: custom properties are not protected */
	readonly propertyProtections?: { readonly file: string; readonly format: PropertyRuleFormat };
	readonly quota: QuotaConfig;
	readonly api: ApiConfig;
	readonly formats: FormatsConfig;
	readonly imports: ImportsConfig;
	readonly signatures: SignaturesConfig;
	/** absent: there is no key manager */
	readonly barbican?: BarbicanConfig;
	readonly notifications: NotificationsConfig;
	/** absent: the cache API answers 404, and the API versions that brought it are not offered */
	readonly cache?: { readonly maxBytes: number; readonly stallMs: number };
	readonly locations: { /** all bytes at places that clients give are read; Glance's do_secure_hash */ readonly hash: boolean };
	/** deleted images keep their data for so long, and can be restored; absent: nothing is delayed */
	readonly delayedDelete?: { readonly scrubAfterMs: number };
	/** how long a finished task is kept */
	readonly tasks: { readonly timeToLiveHours: number };
}

/** Central backends. Without any, a node that holds the fleet's key keeps a file store `file` in `<dataDir>/images`. */
export interface StoresConfig {
	/** in the order of being said */
	readonly specs: readonly StoreSpec[];
	/** id of one of them; absent: images go to this site and from there to the stores in the background */
	readonly byDefault?: string;
	/** false: as a Glance without `enabled_backends`, that offers its clients no choice of stores */
	readonly multi: boolean;
}

/** One store. What its options mean is known to the driver of its type. */
export interface StoreSpec {
	readonly id: string;
	/** Glance's type name */
	readonly type: string;
	/** default: none */
	readonly description?: string;
	/** default 0 */
	readonly weight?: number;
	/** takes no images, whatever its type could; default false */
	readonly readOnly?: boolean;
	/** by Glance's names, as texts */
	readonly options: Readonly<Record<string, string | readonly string[]>>;
	/** where it was said, for complaints */
	readonly from: string;
}

export interface AuthConfig {
	/** `none` only when every listener is loopback */
	readonly mode: AuthMode;
	/** absent in mode `token`: the node makes one, keeps it in `<dataDir>/admin-token` and says it once */
	readonly adminToken?: string;
	/** mode `proxy`: addresses or CIDR ranges whose identity headers are believed; never empty in that mode */
	readonly trustedProxies: readonly string[];
	/** a request without a token sees public images, read-only; Glance's allow_anonymous_access */
	readonly anonymousRead: boolean;
}

export interface KeystoneConfig {
	/** without `/v3` and without a slash at the end: `http://127.0.0.1:5000` */
	readonly url: string;
	/** what `WWW-Authenticate` names, in the same form */
	readonly publicUrl: string;
	readonly credential: KeystoneCredential;
	readonly region?: string;
	/** how long a validated token is believed; at most five minutes */
	readonly tokenCacheMs: number;
	/** for one request */
	readonly timeoutMs: number;
	/** a service token must carry one of them */
	readonly serviceTokenRoles: readonly string[];
	readonly serviceTokenRolesRequired: boolean;
	/** what access rules of application credentials call this service */
	readonly serviceType: string;
	/** absent: the system's authorities */
	readonly caFile?: string;
	/** true: certificates are not checked */
	readonly insecure: boolean;
}

export type KeystoneCredential =
	| {
			readonly kind: 'password';
			readonly username: KeystoneName;
			readonly password: string;
			/** of a user given by id it is not needed, and not sent */
			readonly userDomain: KeystoneName;
			readonly project: KeystoneName;
			/** of a project given by id it is not needed, and not sent */
			readonly projectDomain: KeystoneName;
	  }
	| { readonly kind: 'application-credential'; readonly id: string; readonly secret: string };

/** Keystone finds a user, a project or a domain by either. */
export type KeystoneName = { readonly name: string } | { readonly id: string };

export interface PolicyConfig {
	/** policy.yaml; absent: the default rules */
	readonly file?: string;
	/** read after the file, in this order */
	readonly dirs: readonly string[];
	/** false: the checks that the new defaults replaced are good enough too, as Debian's Glance ships */
	readonly enforceNewDefaults: boolean;
	readonly enforceScope: boolean;
	/** the rule that decides what no rule names */
	readonly defaultRule: string;
	/** `http:` and `https:` checks may call out */
	readonly remoteChecks: boolean;
}

/** Of counts, -1 is none. */
export interface QuotaConfig {
	/** bytes of one image */
	readonly imageSizeCap: number;
	/** bytes of one project; 0 is none */
	readonly userStorage: number;
	readonly imageProperties: number;
	readonly imageTags: number;
	readonly imageMembers: number;
	readonly imageLocations: number;
	/** absent: Keystone's unified limits are not asked for */
	readonly unifiedLimits?: UnifiedLimitsConfig;
	/** `one`, as Glance: an upload of undeclared size that began within a project's storage may pass it */
	readonly overshoot: Overshoot;
	/** images of one project that may be queued at once; 0 is none. Glance has no such limit. */
	readonly queuedImages: number;
}

/** Whose limits they are: the endpoint's, else those of the service's name, else those of `KeystoneConfig.serviceType`. */
export interface UnifiedLimitsConfig {
	readonly endpointId?: string;
	readonly serviceName?: string;
	readonly region?: string;
	/** absent: `KeystoneConfig.credential` reads limits too */
	readonly credential?: KeystoneCredential;
}

export interface ApiConfig {
	/** what links in answers begin with; absent: what the client called */
	readonly publicEndpoint?: string;
	/** rows of a list when the client names no number, and the most it may name */
	readonly defaultLimit: number;
	readonly maxLimit: number;
	readonly diskFormats: readonly string[];
	readonly containerFormats: readonly string[];
	/** properties that the image schema does not name are allowed */
	readonly additionalProperties: boolean;
	/** Glance's schema-image.json; absent: the custom properties that it ships with */
	readonly schemaFile?: string;
	/** characters beyond U+FFFF are refused, as Glance's databases do */
	readonly refuseAstral: boolean;
	readonly maxRequestIdLength: number;
	/** `Forwarded` and `X-Forwarded-*` are believed */
	readonly proxyHeaders: boolean;
	/** absent: no cross-origin answer */
	readonly cors?: CorsConfig;
	/** while this file is there, `/healthcheck` answers 503 */
	readonly healthDisableFile?: string;
	readonly showDirectUrl: boolean;
	readonly showMultipleLocations: boolean;
	/** sites are among the stores that clients see */
	readonly showSites: boolean;
}

export interface CorsConfig {
	/** never empty; `*` is every origin */
	readonly origins: readonly string[];
	readonly methods: readonly string[];
	readonly allowHeaders: readonly string[];
	readonly exposeHeaders: readonly string[];
	readonly maxAgeSeconds: number;
	readonly credentials: boolean;
}

/** What bytes may become images. */
export interface FormatsConfig {
	/** they must be of the declared disk_format */
	readonly requireMatch: boolean;
	/** createTypes of VMDK */
	readonly vmdkTypes: readonly string[];
	/** checks of partition tables that may fail */
	readonly gptChecksNotFatal: readonly string[];
	/** bytes of the disk inside */
	readonly maxVirtualSize: number;
}

export interface ImportsConfig {
	/** Where images may be fetched from. Of a pair of lists, only what is allowed counts when both are given; an absent or empty list is none. */
	readonly filtering: {
		readonly allowedSchemes?: readonly string[];
		readonly disallowedSchemes?: readonly string[];
		readonly allowedHosts?: readonly string[];
		readonly disallowedHosts?: readonly string[];
		readonly allowedPorts?: readonly number[];
		readonly disallowedPorts?: readonly number[];
	};
	/** what happens to imported bytes before they are stored, in this order */
	readonly plugins: readonly ImportPluginName[];
	/** what clients may ask for */
	readonly methods: readonly ImportMethodName[];
	/** stores that one import fills at a time */
	readonly parallelStores: number;
	/** names of properties that come along from another region begin with one of them */
	readonly extraProperties: readonly string[];
	readonly conversionFormat: ConversionFormat;
	/** properties by name */
	readonly inject: Readonly<Record<string, string>>;
	/** callers with one of them keep their images as they are */
	readonly injectIgnoreRoles: readonly string[];
	/** of one image, unpacked or as a disk */
	readonly maxExpandedBytes: number;
}

/** Where the certificates of signed images are, beside the key manager. Of neither: a signed image is refused. */
export interface SignaturesConfig {
	/** absolute; looked at first */
	readonly certificatesDir?: string;
}

/** The key manager of the cloud. */
export interface BarbicanConfig {
	/** without `/v1` and without a slash at the end; absent: from Keystone's catalogue */
	readonly url?: string;
	/** of the catalogue's endpoints */
	readonly interface: BarbicanInterface;
	/** likewise; absent: any */
	readonly region?: string;
	/** for one request, and for all that the deletion of one key needs */
	readonly timeoutMs: number;
	/** absent: the system's authorities */
	readonly caFile?: string;
	/** true: certificates are not checked */
	readonly insecure: boolean;
	/** the node's own token goes beside the caller's */
	readonly serviceToken: boolean;
}

export interface NotificationsConfig {
	readonly publisherId: string;
	/** event types, or groups of them such as `image` or `image.member` */
	readonly disabled: readonly string[];
	/** every event is a log line at info */
	readonly log: boolean;
	readonly webhook?: { readonly url: string; readonly secret: string };
	/** AMQP 0.9.1 as oslo.messaging speaks it; `url` is its transport URL, several hosts included */
	readonly amqp?: { readonly url: string; readonly topics: readonly string[]; readonly exchange: string };
}

export const AUTH_MODES = ['keystone', 'token', 'proxy', 'none'] as const;
export type AuthMode = (typeof AUTH_MODES)[number];

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Glance takes any digest of its host; these are the ones that every client of it can check. */
export const HASH_ALGORITHMS = ['sha512', 'sha256', 'sha384'] as const;

export const PROPERTY_RULE_FORMATS = ['roles', 'policies'] as const;
export type PropertyRuleFormat = (typeof PROPERTY_RULE_FORMATS)[number];

/** Glance's names of its import methods. */
export const IMPORT_METHODS = ['glance-direct', 'web-download', 'glance-download', 'copy-image'] as const;
export type ImportMethodName = (typeof IMPORT_METHODS)[number];

/** Glance's names of its plugins. */
export const IMPORT_PLUGINS = ['no_op', 'inject_image_metadata', 'image_decompression', 'image_conversion'] as const;
export type ImportPluginName = (typeof IMPORT_PLUGINS)[number];

export const CONVERSION_FORMATS = ['raw', 'qcow2', 'vmdk'] as const;
export type ConversionFormat = (typeof CONVERSION_FORMATS)[number];
export const BARBICAN_INTERFACES = ['public', 'internal', 'admin'] as const;
export type BarbicanInterface = (typeof BARBICAN_INTERFACES)[number];

export const OVERSHOOTS = ['none', 'one'] as const;
export type Overshoot = (typeof OVERSHOOTS)[number];

/** One line that an operator can act on: where, what, and what to do. Exit code 2. */
export class ConfigError extends Error {
	override readonly name = 'ConfigError';
}
