import{u as t}from"./react-BkT3UR7z.js";function n(){const{hash:o}=t();try{return decodeURIComponent(o.slice(1))}catch{return""}}export{n as u};
