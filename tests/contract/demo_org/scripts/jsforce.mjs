// Uses jsforce as it is: logs in by refresh token, pages through queries, runs bulk jobs, and asks who it is.
// Arguments: folder that has jsforce in its node_modules, login URL, client id, secret, refresh token, username, password.
// Prints one JSON object.
import { createRequire } from 'node:module';

const [folder, loginUrl, clientId, clientSecret, refreshToken, username, password] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const jsforce = require('jsforce');
const { QueryJobV2 } = require('jsforce/lib/api/bulk2');

const drain = (stream) =>
  new Promise((resolve, reject) => {
    const rows = [];
    stream.on('record', (row) => rows.push(row)).on('end', () => resolve(rows)).on('error', reject);
  });

const seen = { refreshed: 0 };
const conn = new jsforce.Connection({
  oauth2: { loginUrl, clientId, clientSecret },
  instanceUrl: loginUrl,
  refreshToken,
  version: '59.0',
});
conn.on('refresh', () => (seen.refreshed += 1));

// There is no access token yet: the first call fails with 401 and makes the client refresh.
const everyone = await conn.query('SELECT Id, Name, Profile.Name FROM User ORDER BY Id', { autoFetch: true, maxFetch: 10000 });
seen.total = everyone.totalSize;
seen.fetched = everyone.records.length;
seen.first = everyone.records[0];

const streaming = conn.query('SELECT Id FROM User');
const streamed = drain(streaming);
streaming.run({ autoFetch: true, maxFetch: 10000 });
seen.streamed = (await streamed).length;

seen.described = (await conn.sobject('User').describe()).fields.length;
seen.objects = (await conn.describeGlobal()).sobjects.map((item) => item.name);
seen.retrieved = (await conn.sobject('User').retrieve(seen.first.Id)).Id;
seen.identity = await conn.identity();
seen.groups = (await conn.query('SELECT IsActive, COUNT(Id) n FROM User GROUP BY IsActive')).records;
seen.usage = conn.limitInfo.apiUsage;
seen.error = await conn.query('SELECT Foo FROM User').catch((error) => error.errorCode);

conn.bulk2.pollInterval = 50;
conn.bulk2.pollTimeout = 20000;
seen.bulk = (await drain(await conn.bulk2.query('SELECT Id, Name FROM User LIMIT 5'))).length;

// The client's own reader of several pages ends its stream after the first one; the pages themselves it parses well.
const job = new QueryJobV2(conn, {
  bodyParams: { operation: 'query', query: 'SELECT Id, Name FROM User ORDER BY Id' },
  pollingOptions: { pollInterval: 50, pollTimeout: 20000 },
});
await job.open();
await job.poll(50, 20000);
const listed = await conn.request(`/services/data/v59.0/jobs/query/${job.id}/resultPages`);
seen.pages = listed.resultPages.length;
seen.paged = [];
for (const page of listed.resultPages) {
  const rows = await conn.request({ method: 'GET', url: page.resultUrl, headers: { Accept: 'text/csv' } });
  seen.paged.push(...rows.map((row) => row.Id));
}
await job.delete();

const other = new jsforce.Connection({ loginUrl, version: '59.0' });
seen.login = (await other.login(username, password)).organizationId;
seen.counted = (await other.query('SELECT COUNT() FROM User')).totalSize;
await conn.oauth2.revokeToken(refreshToken);
console.log(JSON.stringify(seen));
