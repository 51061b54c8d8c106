/**
 * Blue for what is well, orange for what heals, dark red and hatched for what does not: told apart by those who do not see
 * red and green, by lightness alone, and by the word in each cell. Texts have a contrast of 4.5 and more (WCAG AA).
 */
export const MAP_STYLE = `
text{font-family:system-ui,sans-serif;fill:#1d2530}
.paper{fill:#fff}.axis{font-size:15px;font-weight:600;text-anchor:middle}.head,.side{font-size:14px;font-variant-numeric:tabular-nums}
.head{text-anchor:middle}.side{text-anchor:end}.word{font-size:14px;font-weight:600;text-anchor:middle}.more{font-size:12px;text-anchor:middle}.key{font-size:13px}
.safe .box{fill:#2b6cb0}.cell.safe text{fill:#fff}
.brief .box{fill:#a9cdec}.outage0 .box{fill:#fde0a8}.outage1 .box{fill:#f6b04c}.outage2 .box{fill:#dd7d12}
.fatal .box{fill:#6d1220}.cell.fatal text{fill:#fff}.blocked .box{fill:#c3c8cf}.none .box{fill:none;stroke:#8a94a1;stroke-dasharray:3 3}
.cell text{fill:#10161e}.cell.none text{fill:#596575}
.hatch-fatal{fill:url(#hatch-fatal)}.hatch-blocked{fill:url(#hatch-blocked)}.stripe-fatal{fill:#8a2434}.stripe-blocked{fill:#b1b7bf}
.border{fill:none;stroke:#1d2530;stroke-width:3}.halo{fill:none;stroke:#fff;stroke-width:7}
@media(prefers-color-scheme:dark){
text{fill:#e4e8ee}.paper{fill:#151a21}.border{stroke:#f4f6f9}.halo{stroke:#151a21}.cell.none text{fill:#a5afbc}
}
`;

export const MAP_PAGE_STYLE = `
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;color:#1d2530;background:#fff;max-width:1080px;margin:24px auto;padding:0 20px}
h1{font-size:24px;margin:0 0 6px}h2{font-size:17px;margin:20px 0 6px}
.wide{overflow-x:auto}.wide svg{max-width:100%;min-width:640px;height:auto;display:block}
.wide:focus-visible{outline:2px solid #2b6cb0;outline-offset:2px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:10px 0}dt{font-weight:600}dd{margin:0}
table{border-collapse:collapse;font-size:13px}th,td{text-align:left;padding:4px 12px 4px 0;border-bottom:1px solid #d9dee5;font-variant-numeric:tabular-nums;white-space:nowrap}
@media(prefers-color-scheme:dark){body{color:#e4e8ee;background:#151a21}th,td{border-color:#38424f}}
`;
