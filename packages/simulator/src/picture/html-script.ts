/** Runs in the reader's browser, on what the report carries. */
export const HTML_SCRIPT = `
const slider=document.getElementById("slider"),clock=document.getElementById("clock"),now=document.getElementById("now");
const body=document.querySelector("#state tbody"),messages=document.querySelector("#messages tbody"),story=document.getElementById("story");
const cell=(row,text)=>{const td=document.createElement("td");td.textContent=text;row.append(td)};
const seconds=us=>(us/1e6).toFixed(3)+" s";
for(const [at,text,type] of DATA.story){const li=document.createElement("li");li.textContent=seconds(at)+"  "+text;li.dataset.at=at;if(type==="fault")li.className="fault-row";if(type==="violation")li.className="violation-row";li.onclick=()=>{slider.value=at;show()};story.append(li)}
const rows=[...story.children];
function last(list,at,member){let found;for(const each of list){if(each[0]>at)break;if(each[1]===member)found=each[2]}return found}
function show(){const at=Number(slider.value);clock.textContent=seconds(at);
 const x=DATA.left+at/DATA.endUs*(DATA.width-DATA.left);now.setAttribute("x1",x);now.setAttribute("x2",x);
 body.replaceChildren();
 for(const {member,stretches} of DATA.lanes){let state="down",term=0;for(const [from,s,t] of stretches){if(from>at)break;state=s;term=t}
  const row=document.createElement("tr"),up=state!=="down",linked=last(DATA.connected,at,member);
  cell(row,member);cell(row,state);cell(row,up?term:"");cell(row,up?(linked===false?"no":"yes"):"");cell(row,last(DATA.commits,at,member)??"");body.append(row)}
 messages.replaceChildren();
 const recent=DATA.messages.filter(each=>each[0]<=at&&each[0]>at-1e6).slice(-12);
 for(const [t,from,to,name,term] of recent){const row=document.createElement("tr");cell(row,seconds(t));cell(row,from+" → "+to);cell(row,name+(term?" t"+term:""));messages.append(row)}
 let nearest;for(const row of rows){const past=Number(row.dataset.at)<=at;row.classList.toggle("past",past);if(past)nearest=row}
 if(nearest)story.scrollTop=nearest.offsetTop-story.offsetTop-200}
slider.oninput=show;show();
`;
