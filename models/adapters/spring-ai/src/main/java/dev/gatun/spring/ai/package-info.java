/** Spring AI's interfaces over Gatun's tasks, and their auto-configuration. Imports {@code models.task}, Spring AI and Spring Boot. */
package dev.gatun.spring.ai;
