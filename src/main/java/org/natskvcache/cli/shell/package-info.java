/**
 * The prompt: lines of text in, commands to a cache, printed answers out.
 *
 * <p>A line goes through {@link org.natskvcache.cli.shell.Tokenizer} (words), {@link
 * org.natskvcache.cli.shell.Verbs} (the table of commands: an {@link
 * org.natskvcache.cli.shell.Action}), {@link org.natskvcache.cli.shell.Interpreter} (asks the cache
 * in use, or answers itself) and {@link org.natskvcache.cli.shell.Answer} (the text). {@link
 * org.natskvcache.cli.shell.Script} and {@link org.natskvcache.cli.shell.Prompt} feed it lines;
 * {@link org.natskvcache.cli.shell.Shell} is the way in.
 *
 * <p>Always true: words are bytes, so that any key and value can be typed and none is changed on
 * the way; a printed text can be typed again and names the same bytes; a line that is refused has
 * changed nothing.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.cli.shell;
