/**
 * The {@code gatun} command, one subcommand a file. May import every other package of the module. Adding
 * a command: a class with picocli's annotations, one line in {@link dev.gatun.cli.Gatun}.
 */
package dev.gatun.cli;
