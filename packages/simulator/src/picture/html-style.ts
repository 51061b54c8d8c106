export const HTML_STYLE = `
body{font:15px/1.45 system-ui,sans-serif;color:#1d2530;background:#fbfbfc;max-width:1080px;margin:24px auto;padding:0 20px}
h1{font-size:24px;margin:0 0 6px}h2{font-size:17px;margin:18px 0 6px}h3{font-size:14px;margin:14px 0 4px;color:#596575}
svg{width:100%;background:#fff;border:1px solid #e2e5ea;border-radius:6px;padding:8px;box-sizing:border-box}
.name{font-size:13px;fill:#1d2530}.term{font-size:11px;fill:#0b2239}.fault{stroke:#b03060;stroke-width:1;stroke-dasharray:3 3}
#now{stroke:#111;stroke-width:1.5}.commit{fill:none;stroke:#3b6ea5;stroke-width:1.2;opacity:.7}
.verdict{padding:8px 12px;border-radius:6px;background:#e8eaee}.verdict b{text-transform:uppercase;margin-right:8px}
.safe,.brief{background:#dff3e6}.outage{background:#fdf0cf}.permanent,.violation,.bad{background:#f9dcd9}
.legend{display:flex;flex-wrap:wrap;gap:14px;font-size:13px;color:#444}.legend i{display:inline-block;width:13px;height:13px;border-radius:3px;margin-right:5px;vertical-align:-2px}
.legend .dash{width:0;border-left:2px dashed #b03060;border-radius:0}
label{font-size:14px}output{min-width:90px;text-align:right;font-variant-numeric:tabular-nums}
table{border-collapse:collapse;width:100%;background:#fff}th,td{text-align:left;padding:4px 8px;border-bottom:1px solid #eceef1;vertical-align:top;font-variant-numeric:tabular-nums}
nav{display:flex;flex-wrap:wrap;gap:6px 18px;margin:0 0 14px;font-size:14px}nav a{color:#1f5f99}nav b{border-bottom:2px solid #1f5f99}
rect.off,.legend .off{fill:#d64545;background:#d64545}.legend .off{height:5px;vertical-align:3px}line.mark{stroke:#8a94a1}text.mark{font-size:11px;fill:#596575}
.controls{display:flex;flex-wrap:wrap;gap:8px 10px;align-items:center;margin:8px 0 14px}.controls input{flex:1 1 200px;min-width:140px}
.controls button,.controls select{font:inherit;font-size:13px;padding:4px 10px;border:1px solid #c9cfd7;border-radius:5px;background:#fff;color:#1d2530;cursor:pointer}
button:focus-visible,select:focus-visible,input:focus-visible,a:focus-visible{outline:2px solid #1f5f99;outline-offset:2px}
line.vote{stroke:#b0420a;stroke-width:1.6}circle.vote{fill:#b0420a}line.beat{stroke:#8fa3b8;stroke-width:.8}circle.beat{fill:#8fa3b8}line.here{stroke:#111;stroke-width:1;stroke-dasharray:2 3}
#messages td:nth-child(-n+2){white-space:nowrap}.two>div{min-width:0}.wide{overflow-x:auto}.wide svg{min-width:680px}
#story li button{all:unset;cursor:pointer;display:block;width:100%}#story li button:focus-visible{outline:2px solid #1f5f99}#story li.current{background:#eef3f9}
.two{display:grid;grid-template-columns:1fr 1fr;gap:24px}#story{max-height:420px;overflow:auto;background:#fff;border:1px solid #e2e5ea;border-radius:6px;padding:8px 8px 8px 46px;margin:0;font-size:13px}
#story li.past{color:#1d2530}#story li{color:#6d7784}#story li.fault-row{color:#b03060}#story li.violation-row{color:#c0392b;font-weight:600}
@media(max-width:900px){.name{font-size:18px}.term,text.mark{font-size:16px}}
@media(max-width:760px){.two{grid-template-columns:1fr}}
`;
