/**
 * Language models as users call them: how likely a text is, and how it goes on. Imports {@code family.recurrent}, {@code generate} and
 * {@code checkpoint}.
 */
package dev.gatun.models.task.language;
