# kubeadm writes completions for bash and zsh only, but answers what may come next when it is called as
# "kubeadm __complete WORD...": a line for each, VALUE and a tab and a description as fish wants them, then a line
# ":N" in which the bit 4 says that file names are no answer.
function __kubeadm_complete
    set --local words (commandline --tokenize --cut-at-cursor --current-process)
    set --erase words[1]
    set --local current (commandline --current-token --cut-at-cursor)
    set --local lines (command kubeadm __complete $words "$current" 2>/dev/null)
    or return

    set --local directive (string replace --regex '^:(\d+)$' '$1' -- $lines[-1])
    set --erase lines[-1]
    printf '%s\n' $lines
    if test (count $lines) -eq 0; and test (math "floor($directive / 4) % 2") -eq 0
        __fish_complete_path "$current"
    end
end

complete --command kubeadm --no-files --arguments '(__kubeadm_complete)'
