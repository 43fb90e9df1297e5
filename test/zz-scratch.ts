import fc from 'fast-check';
import {writeFileSync} from 'node:fs';
import {loadSettings} from '/work/main/src/settings/load-settings.ts';
process.on('warning',w=>console.log('WARN',w.message));
const words=['listeners:','\n','\n  ','\n    ','- ','name: ','mode: reverse','listen: ','0.0.0.0:21','"[::]:21"','upstream: ','10.0.0.5:21','dataPorts: ','50000-50999','[','{','}',']','admin: ','off','sessions: ','max: ','limits: ','line: 4KiB','${X}','${','null','~','*a','&a ','!!int ','"',"'",'|','>','# c',': ',',','__proto__: ','constructor: ','? ','rules: ','1e999','-1','<<: ','%YAML 1.1\n','---\n','...\n','!!binary ','!!set ','!!omap ','!!map ','!!str ','true'];
let n=0; let ok=0;
fc.assert(fc.property(fc.array(fc.constantFrom(...words),{maxLength:40}),(w)=>{writeFileSync('/tmp/w2/z.yaml',w.join('')); const r=loadSettings('/tmp/w2/z.yaml',{}); n++; if(r.ok) ok++; else if(r.problems.length===0||r.problems.some(p=>p.line<1||p.column<1||/undefined|\[object|Invalid input|NaN/.test(p.message))) throw new Error(JSON.stringify(r.problems))}),{numRuns:30000});
console.log(n,ok);
