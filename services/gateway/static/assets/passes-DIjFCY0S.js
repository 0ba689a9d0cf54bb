const o={2:"pass 2",3:"removal",4:"verification",5:"verification, pass 2"};function r(i){return i>1?o[i]??`pass ${i}`:""}export{r as p};
