# insert of a sleeper does not settle with the veto
# file: subscription.c
s/pw_veto_settle(pm);/;/
