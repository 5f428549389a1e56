-- A store as stackcompat 0.1.0 wrote it, with version 5 of the tables.
CREATE TABLE closures (
	id VARCHAR NOT NULL, 
	record TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE evidence (
	id VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	attempt INTEGER NOT NULL, 
	outcome VARCHAR NOT NULL, 
	started VARCHAR NOT NULL, 
	record TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "evidence" VALUES('97f822a4d2634898','4acb65ed5d30cb1f',0,'ran','2026-11-22T00:00:00+00:00','{"outcome":"ran","detail":"","started":"2026-11-22T00:00:00Z","seconds":21.5,"install_seconds":0.3,"observed":{"distributions":{"alpha":"1.3.0","alpha-native":"1.3.0","beta":"2.1.0","numbers":"2.5.5","protocols":"7.36.2","typing-more":"4.15.0"}},"tests":[{"test":"t.py::a","level":"interop","components":["alpha","beta"],"outcome":"failed","reason":"","seconds":0.5,"memory_mb":0.0,"failure":{"type":"AssertionError","message":"the loss is 0.73, more than 0.5","package":"","packages":[],"where":"","line":"","bases":[],"code":"","phase":"call","traceback":"Traceback (most recent call last):\nAssertionError: the loss is 0.73, more than 0.5\n","changed":false,"undeclared":""},"warnings":[],"artifact":"","feature":"","closure":null,"reused":null,"confirmed_by":"","modules":null,"lost":[]},{"test":"t.py::b","level":"interop","components":["alpha"],"outcome":"passed","reason":"","seconds":0.5,"memory_mb":0.0,"failure":null,"warnings":[],"artifact":"","feature":"","closure":null,"reused":null,"confirmed_by":"","modules":null,"lost":[]}],"isolation":{"network":"loopback only","home":"own","memory_limit_mb":8192,"time_limit_s":900.0},"log":"","closures":[],"compiler_caches":[],"failed_with_caches":[],"key":"4acb65ed5d30cb1f","attempt":0,"lock_id":"77da48c236a11bdd","python":"3.12","interpreter":"cpython-3.12.7","platform":"linux-x86_64","suite":"5e0f","level":"interop","roots":["alpha","beta"],"reads":"","hardware":"","variables":{}}');
INSERT INTO "evidence" VALUES('7138144eebb650ed','4acb65ed5d30cb1f',1,'ran','2026-11-22T00:01:00+00:00','{"outcome":"ran","detail":"","started":"2026-11-22T00:01:00Z","seconds":21.5,"install_seconds":0.3,"observed":{"distributions":{"alpha":"1.3.0","alpha-native":"1.3.0","beta":"2.1.0","numbers":"2.5.5","protocols":"7.36.2","typing-more":"4.15.0"}},"tests":[{"test":"t.py::a","level":"interop","components":["alpha","beta"],"outcome":"failed","reason":"","seconds":0.5,"memory_mb":0.0,"failure":{"type":"AssertionError","message":"the loss is 0.73, more than 0.5","package":"","packages":[],"where":"","line":"","bases":[],"code":"","phase":"call","traceback":"Traceback (most recent call last):\nAssertionError: the loss is 0.73, more than 0.5\n","changed":false,"undeclared":""},"warnings":[],"artifact":"","feature":"","closure":null,"reused":null,"confirmed_by":"","modules":null,"lost":[]}],"isolation":{"network":"loopback only","home":"own","memory_limit_mb":8192,"time_limit_s":900.0},"log":"","closures":[],"compiler_caches":[],"failed_with_caches":[],"key":"4acb65ed5d30cb1f","attempt":1,"lock_id":"77da48c236a11bdd","python":"3.12","interpreter":"cpython-3.12.7","platform":"linux-x86_64","suite":"5e0f","level":"interop","roots":["alpha","beta"],"reads":"","hardware":"","variables":{}}');
INSERT INTO "evidence" VALUES('bf24a253a7ebf683','110518c568f65c88',0,'ran','2026-11-22T00:00:00+00:00','{"outcome":"ran","detail":"","started":"2026-11-22T00:00:00Z","seconds":21.5,"install_seconds":0.3,"observed":{"distributions":{"alpha":"1.0.0","alpha-native":"1.0.0","numbers":"2.5.5","protocols":"7.36.2","typing-more":"4.15.0"}},"tests":[{"test":"t.py::b","level":"interop","components":["alpha"],"outcome":"passed","reason":"","seconds":0.5,"memory_mb":0.0,"failure":null,"warnings":[],"artifact":"","feature":"","closure":null,"reused":null,"confirmed_by":"","modules":null,"lost":[]}],"isolation":{"network":"loopback only","home":"own","memory_limit_mb":8192,"time_limit_s":900.0},"log":"","closures":[],"compiler_caches":[],"failed_with_caches":[],"key":"110518c568f65c88","attempt":0,"lock_id":"05e87810f9930544","python":"3.12","interpreter":"cpython-3.12.7","platform":"linux-x86_64","suite":"5e0f","level":"interop","roots":["alpha"],"reads":"","hardware":"","variables":{}}');
CREATE TABLE greens (
	test VARCHAR NOT NULL, 
	distribution VARCHAR NOT NULL, 
	version VARCHAR NOT NULL, 
	PRIMARY KEY (test, distribution, version)
);
INSERT INTO "greens" VALUES('t.py::b','alpha','1.3.0');
INSERT INTO "greens" VALUES('t.py::b','alpha','1.0.0');
CREATE TABLE known_results (
	context VARCHAR NOT NULL, 
	test VARCHAR NOT NULL, 
	imports VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	closure VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	started VARCHAR NOT NULL, 
	record TEXT NOT NULL, 
	PRIMARY KEY (context, test, imports, fingerprint)
);
CREATE TABLE known_tests (
	context VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	closure VARCHAR NOT NULL, 
	started VARCHAR NOT NULL, 
	record TEXT NOT NULL, 
	PRIMARY KEY (context, fingerprint)
);
CREATE TABLE latest (
	kind VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	made VARCHAR NOT NULL, 
	record TEXT NOT NULL, 
	PRIMARY KEY (kind, "key")
);
INSERT INTO "latest" VALUES('islands','3.12/linux-x86_64','2026-11-22T00:00:00.000000+00:00','{"python":"3.12","platform":"linux-x86_64","seen":"2026-11-22T00:00:00Z","islands":[{"releases":{"a":"1","c":"1"},"beside":{"old":"0.5"},"excluded":[{"name":"b","version":"1","against":["a"],"reason":"a, b exclude each other","chain":["a>=1 depends on shared==0","b>=1 depends on shared==1"]}],"lock_id":"5eadb7a708645dc8"},{"releases":{"b":"1","c":"1"},"beside":{"old":"0.5"},"excluded":[{"name":"a","version":"1","against":["b"],"reason":"a, b exclude each other","chain":["a>=1 depends on shared==0","b>=1 depends on shared==1"]}],"lock_id":"d575d4868e8ffd84"}],"asked":6}');
CREATE TABLE limits (
	test VARCHAR NOT NULL, 
	evidence VARCHAR NOT NULL, 
	PRIMARY KEY (test, evidence)
);
CREATE TABLE outlines (
	evidence VARCHAR NOT NULL, 
	record TEXT NOT NULL, 
	PRIMARY KEY (evidence)
);
INSERT INTO "outlines" VALUES('97f822a4d2634898','{"outcome":"ran","detail":"","started":"2026-11-22T00:00:00Z","seconds":21.5,"install_seconds":0.3,"observed":{"distributions":{"alpha":"1.3.0","alpha-native":"1.3.0","beta":"2.1.0","numbers":"2.5.5","protocols":"7.36.2","typing-more":"4.15.0"}},"tests":[],"isolation":{"network":"loopback only","home":"own","memory_limit_mb":8192,"time_limit_s":900.0},"log":"","closures":[],"compiler_caches":[],"failed_with_caches":[],"key":"4acb65ed5d30cb1f","attempt":0,"lock_id":"77da48c236a11bdd","python":"3.12","interpreter":"cpython-3.12.7","platform":"linux-x86_64","suite":"5e0f","level":"interop","roots":["alpha","beta"],"reads":"","hardware":"","variables":{},"results":["c4a426be3c4c14f3","692b277aef9eb2ce"],"test_seconds":[0.5,0.5]}');
INSERT INTO "outlines" VALUES('7138144eebb650ed','{"outcome":"ran","detail":"","started":"2026-11-22T00:01:00Z","seconds":21.5,"install_seconds":0.3,"observed":{"distributions":{"alpha":"1.3.0","alpha-native":"1.3.0","beta":"2.1.0","numbers":"2.5.5","protocols":"7.36.2","typing-more":"4.15.0"}},"tests":[],"isolation":{"network":"loopback only","home":"own","memory_limit_mb":8192,"time_limit_s":900.0},"log":"","closures":[],"compiler_caches":[],"failed_with_caches":[],"key":"4acb65ed5d30cb1f","attempt":1,"lock_id":"77da48c236a11bdd","python":"3.12","interpreter":"cpython-3.12.7","platform":"linux-x86_64","suite":"5e0f","level":"interop","roots":["alpha","beta"],"reads":"","hardware":"","variables":{},"results":["c4a426be3c4c14f3"],"test_seconds":[0.5]}');
INSERT INTO "outlines" VALUES('bf24a253a7ebf683','{"outcome":"ran","detail":"","started":"2026-11-22T00:00:00Z","seconds":21.5,"install_seconds":0.3,"observed":{"distributions":{"alpha":"1.0.0","alpha-native":"1.0.0","numbers":"2.5.5","protocols":"7.36.2","typing-more":"4.15.0"}},"tests":[],"isolation":{"network":"loopback only","home":"own","memory_limit_mb":8192,"time_limit_s":900.0},"log":"","closures":[],"compiler_caches":[],"failed_with_caches":[],"key":"110518c568f65c88","attempt":0,"lock_id":"05e87810f9930544","python":"3.12","interpreter":"cpython-3.12.7","platform":"linux-x86_64","suite":"5e0f","level":"interop","roots":["alpha"],"reads":"","hardware":"","variables":{},"results":["692b277aef9eb2ce"],"test_seconds":[0.5]}');
CREATE TABLE resolutions (
	cell VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	resolved VARCHAR NOT NULL, 
	record TEXT NOT NULL, 
	PRIMARY KEY (cell)
);
INSERT INTO "resolutions" VALUES('cell','index','2026-11-22T06:00:00+00:00','{"outcome":"locked","lock":{"python":"3.12","platform":"linux-x86_64","pins":[{"name":"alpha","version":"1.3.0","hashes":["sha256:c2a8475a0091b1150d55ab9d54e56be33b982e381abfaafd831a920a63b0a966"],"source":""},{"name":"alpha-native","version":"1.3.0","hashes":["sha256:32340a85ac1c2aa999f51ec13bd0c0858020c67c615b56f8b86b3e5ec35e48e6"],"source":""},{"name":"beta","version":"2.1.0","hashes":["sha256:80a63753a1ac96ab3122501dc224f69c70b295a4bfb5c2866cee783a174b344e"],"source":""},{"name":"numbers","version":"2.5.5","hashes":["sha256:d25e0fffa8f5e9ab8f1f6024e5db361bce0a931aad006a8567e16bf0183af641"],"source":""},{"name":"protocols","version":"7.36.2","hashes":["sha256:44536dea8b0007394b1e0d6134dd0d0d460e76b9622f9c0d4166116ca2d86995"],"source":""},{"name":"typing-more","version":"4.15.0","hashes":["sha256:90234527dad5c182a9d502ffad0beed72e6570141005b43d1b140db3c73a7a40"],"source":""}]},"conflict":null,"held_back":[],"detail":"","seconds":0.4}');
CREATE TABLE results (
	id VARCHAR NOT NULL, 
	record TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "results" VALUES('c4a426be3c4c14f3','{"test":"t.py::a","level":"interop","components":["alpha","beta"],"outcome":"failed","reason":"","seconds":0.5,"memory_mb":0.0,"failure":{"type":"AssertionError","message":"the loss is 0.73, more than 0.5","package":"","packages":[],"where":"","line":"","bases":[],"code":"","phase":"call","traceback":"Traceback (most recent call last):\nAssertionError: the loss is 0.73, more than 0.5\n","changed":false,"undeclared":""},"warnings":[],"artifact":"","feature":"","closure":null,"reused":null,"confirmed_by":"","modules":null,"lost":[]}');
INSERT INTO "results" VALUES('692b277aef9eb2ce','{"test":"t.py::b","level":"interop","components":["alpha"],"outcome":"passed","reason":"","seconds":0.0,"memory_mb":0.0,"failure":null,"warnings":[],"artifact":"","feature":"","closure":null,"reused":null,"confirmed_by":"","modules":null,"lost":[]}');
CREATE TABLE runs (
	id INTEGER NOT NULL, 
	matrix VARCHAR NOT NULL, 
	started VARCHAR NOT NULL, 
	record TEXT NOT NULL, 
	part VARCHAR DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES(1,'nightly','2026-11-22T06:00:00+00:00','{"matrix":"nightly","started":"2026-11-22T06:00:00Z","title":"Every night","components":["alpha","beta"],"pythons":["3.12"],"missing_pythons":[],"coverage":{},"answered":{},"unanswered":[],"rounds":[],"reserved":{},"cells":[{"cell":{"python":"3.12","platform":"linux-x86_64","requirements":["alpha==1.3.0","beta==2.1.0"],"overrides":[],"exclude_newer":null,"constraints":[],"admitted":[],"accompanying":[],"newest":[],"development":[],"index":"","local":{},"thorough":true,"policy":"pairs","label":""},"resolution":{"outcome":"locked","lock":{"python":"3.12","platform":"linux-x86_64","pins":[{"name":"alpha","version":"1.3.0","hashes":["sha256:c2a8475a0091b1150d55ab9d54e56be33b982e381abfaafd831a920a63b0a966"],"source":""},{"name":"alpha-native","version":"1.3.0","hashes":["sha256:32340a85ac1c2aa999f51ec13bd0c0858020c67c615b56f8b86b3e5ec35e48e6"],"source":""},{"name":"beta","version":"2.1.0","hashes":["sha256:80a63753a1ac96ab3122501dc224f69c70b295a4bfb5c2866cee783a174b344e"],"source":""},{"name":"numbers","version":"2.5.5","hashes":["sha256:d25e0fffa8f5e9ab8f1f6024e5db361bce0a931aad006a8567e16bf0183af641"],"source":""},{"name":"protocols","version":"7.36.2","hashes":["sha256:44536dea8b0007394b1e0d6134dd0d0d460e76b9622f9c0d4166116ca2d86995"],"source":""},{"name":"typing-more","version":"4.15.0","hashes":["sha256:90234527dad5c182a9d502ffad0beed72e6570141005b43d1b140db3c73a7a40"],"source":""}]},"conflict":null,"held_back":[],"detail":"","seconds":0.4},"key":"4acb65ed5d30cb1f","tests":[]},{"cell":{"python":"3.12","platform":"linux-x86_64","requirements":["alpha==1.0.0"],"overrides":[],"exclude_newer":null,"constraints":[],"admitted":[],"accompanying":[],"newest":[],"development":[],"index":"","local":{},"thorough":true,"policy":"pairs","label":""},"resolution":{"outcome":"locked","lock":{"python":"3.12","platform":"linux-x86_64","pins":[{"name":"alpha","version":"1.0.0","hashes":["sha256:b25b2100309e904ec5f5423036c0274747bdc3162b017c34a3b8f0d9db6e9837"],"source":""},{"name":"alpha-native","version":"1.0.0","hashes":["sha256:0651adaade347a5fd6bb657ff715cc588fd8188d9829e043c22be4d1ab1a1c5c"],"source":""},{"name":"numbers","version":"2.5.5","hashes":["sha256:d25e0fffa8f5e9ab8f1f6024e5db361bce0a931aad006a8567e16bf0183af641"],"source":""},{"name":"protocols","version":"7.36.2","hashes":["sha256:44536dea8b0007394b1e0d6134dd0d0d460e76b9622f9c0d4166116ca2d86995"],"source":""},{"name":"typing-more","version":"4.15.0","hashes":["sha256:90234527dad5c182a9d502ffad0beed72e6570141005b43d1b140db3c73a7a40"],"source":""}]},"conflict":null,"held_back":[],"detail":"","seconds":0.4},"key":"110518c568f65c88","tests":[]}],"exchange":null,"shard":"","shards":{},"plan":"","planned":null}','');
CREATE TABLE surfaces (
	id VARCHAR NOT NULL, 
	record TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE INDEX ix_evidence_started ON evidence (started);
CREATE INDEX ix_evidence_key ON evidence ("key");
CREATE INDEX known_fingerprints ON known_results (context, fingerprint);
CREATE INDEX known_closures ON known_results (context, closure);
CREATE UNIQUE INDEX runs_once ON runs (matrix, started, part);
PRAGMA user_version=5;
