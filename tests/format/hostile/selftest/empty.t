# fails: no case
