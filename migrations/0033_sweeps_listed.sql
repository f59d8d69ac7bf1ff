-- What the last complete listing said that it stands for, and what it was judged by. Null: the next one is read whole.
alter table sweeps add column listed text;
