/* The verbs that work without a running daemon, and the daemon itself. Each takes the arguments
 * behind its name (argv[0] is the verb) and gives the exit code. */
#pragma once

int verb_run(int argc, char **argv);
int verb_record(int argc, char **argv);
int verb_replay(int argc, char **argv);
int verb_config(int argc, char **argv);
int verb_doctor(int argc, char **argv);
int verb_rules(int argc, char **argv);
int verb_rules_what_if(int argc, char **argv); /* argv[0] is "what-if" */
int verb_rules_ask(int argc, char **argv);     /* the client's verb "rules ARGV[0]" */
int verb_filter(int argc, char **argv);
int verb_format(int argc, char **argv);
int verb_fields(int argc, char **argv);
int verb_events(int argc, char **argv);
