/** LangChain4j's interfaces over Gatun's tasks. Imports {@code models.task} and LangChain4j's core. */
package dev.gatun.langchain4j;
