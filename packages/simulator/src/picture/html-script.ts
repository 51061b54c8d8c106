/** Runs in the reader's browser, on what the report carries. */
export const HTML_SCRIPT = `
const byId=id=>document.getElementById(id);
const slider=byId("slider"),clock=byId("clock"),now=byId("now"),near=byId("near"),zoom=byId("zoom"),playing=byId("play");
const body=document.querySelector("#state tbody"),messages=document.querySelector("#messages tbody"),story=byId("story");
const cell=(row,text)=>{const td=document.createElement("td");td.textContent=text;row.append(td)};
const seconds=us=>(us/1e6).toFixed(3)+" s";
const SVG="http://www.w3.org/2000/svg";
const draw=(name,attributes,text)=>{const el=document.createElementNS(SVG,name);for(const key in attributes)el.setAttribute(key,attributes[key]);if(text!==undefined)el.textContent=text;return el};
for(const [at,text,type] of DATA.story){const li=document.createElement("li"),button=document.createElement("button");button.type="button";button.textContent=seconds(at)+"  "+text;li.dataset.at=at;if(type==="fault")li.className="fault-row";if(type==="violation")li.className="violation-row";button.onclick=()=>{slider.value=at;show()};li.append(button);story.append(li)}
const rows=[...story.children],row=new Map(DATA.lanes.map(({member},i)=>[member,i]));
function last(list,at,member){let found;for(const each of list){if(each[0]>at)break;if(each[1]===member)found=each[2]}return found}
function stateOf({stretches},at){let state="down",term=0;for(const [from,s,t] of stretches){if(from>at)break;state=s;term=t}return [state,term]}
function showNear(at){const width=Number(zoom.value),from=Math.max(0,at-width/2),to=from+width,x=us=>DATA.left+(us-from)/width*(DATA.width-DATA.left),bottom=DATA.lanes.length*44;
 const parts=[];
 DATA.lanes.forEach(({member,stretches},i)=>{const y=i*44+22;parts.push(draw("text",{x:0,y:y+4,class:"name"},member));
  stretches.forEach(([start,state],k)=>{const end=stretches[k+1]?stretches[k+1][0]:DATA.endUs;if(end<from||start>to)return;const x1=x(Math.max(start,from)),x2=x(Math.min(end,to));parts.push(draw("line",{x1,x2,y1:y,y2:y,stroke:DATA.colours[state],"stroke-width":state==="down"?2:8}))})});
 let count=0;
 for(const [t,sender,receiver,name,term,delay] of DATA.messages){if(t+delay<from)continue;if(t>to)break;if(count++>=400)break;
  const a=row.get(sender),b=row.get(receiver);if(a===undefined||b===undefined)continue;
  const rare=name!=="heartbeat"&&!name.startsWith("append_"),x1=x(t),x2=x(t+delay);
  const line=draw("line",{x1,x2,y1:a*44+22,y2:b*44+22,class:rare?"vote":"beat"});line.append(draw("title",{},seconds(t)+" "+sender+" to "+receiver+": "+name+(term?" of term "+term:"")));parts.push(line);
  parts.push(draw("circle",{cx:x2,cy:b*44+22,r:rare?3.5:2,class:rare?"vote":"beat"}))}
 const place=x(at);parts.push(draw("line",{x1:place,x2:place,y1:0,y2:bottom,class:"here"}));
 parts.push(draw("text",{x:DATA.left,y:bottom+20,class:"mark"},seconds(from)));parts.push(draw("text",{x:DATA.width,y:bottom+20,class:"mark","text-anchor":"end"},seconds(to)));
 if(!DATA.hasMessages)parts.push(draw("text",{x:DATA.width/2,y:bottom+20,class:"mark","text-anchor":"middle"},"this run was recorded without messages"));
 else if(count===0)parts.push(draw("text",{x:DATA.width/2,y:bottom+20,class:"mark","text-anchor":"middle"},"no message is on its way"));
 near.replaceChildren(...parts)}
function show(){const at=Number(slider.value);clock.textContent=seconds(at);
 const x=DATA.left+at/DATA.endUs*(DATA.width-DATA.left);now.setAttribute("x1",x);now.setAttribute("x2",x);
 body.replaceChildren();
 for(const lane of DATA.lanes){const [state,term]=stateOf(lane,at),tr=document.createElement("tr"),up=state!=="down",linked=last(DATA.connected,at,lane.member);
  cell(tr,lane.member);cell(tr,state);cell(tr,up?term:"");cell(tr,up?(linked===false?"no":"yes"):"");cell(tr,last(DATA.commits,at,lane.member)??"");tr.dataset.state=state;body.append(tr)}
 messages.replaceChildren();
 const recent=DATA.messages.filter(each=>each[0]<=at&&each[0]>at-1e6).slice(-8);
 for(const [t,from,to,name,term] of recent){const tr=document.createElement("tr");cell(tr,seconds(t));cell(tr,from+" → "+to);cell(tr,name+(term?" t"+term:""));messages.append(tr)}
 if(recent.length===0){const tr=document.createElement("tr");cell(tr,"none");messages.append(tr)}
 let nearest;for(const each of rows){const past=Number(each.dataset.at)<=at;each.classList.toggle("past",past);each.classList.remove("current");if(past)nearest=each}
 if(nearest){nearest.classList.add("current");story.scrollTop=nearest.offsetTop-story.offsetTop-160}
 showNear(at)}
function jump(way){const at=Number(slider.value),times=DATA.story.map(each=>each[0]),found=way>0?times.find(t=>t>at+999):times.findLast(t=>t<at-999);if(found!==undefined){slider.value=found;show()}}
let timer;
function play(){if(timer!==undefined){clearInterval(timer);timer=undefined;playing.textContent="play";return}
 if(Number(slider.value)>=DATA.endUs)slider.value=0;playing.textContent="stop";
 timer=setInterval(()=>{const next=Number(slider.value)+DATA.endUs/400;slider.value=next;show();if(next>=DATA.endUs)play()},50)}
slider.oninput=show;zoom.onchange=show;playing.onclick=play;byId("next").onclick=()=>jump(1);byId("back").onclick=()=>jump(-1);
document.addEventListener("keydown",event=>{if(event.ctrlKey||event.metaKey||event.altKey)return;const tag=event.target.tagName;if(event.key==="n")jump(1);else if(event.key==="p")jump(-1);else if(event.key===" "&&tag!=="BUTTON"&&tag!=="SELECT"){event.preventDefault();play()}});
const firstFault=DATA.story.find(each=>each[2]==="fault");if(firstFault)slider.value=firstFault[0];
show();
`;
