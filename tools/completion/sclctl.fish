# SPDX-License-Identifier: LGPL-2.1-or-later
# Made by "sclctl completion fish".
function __sclctl_at
    set -l path
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        test $word = sc; and set word network
        switch $word
            case --connect -c --output -o --timeout --file -f --hypervisor --state --console --ready-fd --from
                set skip 1
            case '-*'
            case '*'
                switch "$path"
                    case ''
                        set path $word
                    case vm network volume
                        set path "$path $word"
                end
        end
    end
    contains -- "$path" $argv
end
function __sclctl_names
    set -l connection
    set -l take 0
    for word in (commandline -opc)[2..-1]
        if test $take = 1
            set connection -c $word
            set take 0
            continue
        end
        switch $word
            case -c --connect
                set take 1
            case '--connect=*'
                set connection -c (string replace -- --connect= '' $word)
            case '-c*'
                set connection $word
        end
    end
    sclctl $connection names $argv 2> /dev/null
end
complete -c sclctl -f
complete -c sclctl -s c -l connect -r -d 'where to: local:?hypervisor=…&state=…&prefix=… (default: $SCL_URI, else this host)'
complete -c sclctl -s o -l output -r -a 'table json name' -d 'table for people (default), json for programs, or name: the names of a list, one per line'
complete -c sclctl -s q -l quiet -d 'only errors; lists show only names'
complete -c sclctl -s v -l verbose -d 'also each step as it begins'
complete -c sclctl -l yes -d 'the answer to every question is yes'
complete -c sclctl -l timeout -r -d 'how long to wait while somebody else changes the same instance (default 30)'
complete -c sclctl -s h -l help -d 'show help about the command'
complete -c sclctl -l version -d 'show the version'
complete -c sclctl -n '__sclctl_at ""' -a vm -d 'Virtual machines'
complete -c sclctl -n '__sclctl_at ""' -a network -d 'Networks: each a network namespace of its own (a separation context)'
complete -c sclctl -n '__sclctl_at ""' -a volume -d 'Volumes: the disks of VMs'
complete -c sclctl -n '__sclctl_at ""' -a run -d 'Run a manifest in the foreground and take everything down at the end'
complete -c sclctl -n '__sclctl_at "run"' -s f -l file -r -F -d 'a manifest (YAML, JSON or *.nix), a folder of them, or - for stdin; may be given several times'
complete -c sclctl -n '__sclctl_at "run"' -l hypervisor -r -a 'qemu:///embed qemu:///system test:///default memory' -d 'libvirt URI (default qemu:///embed, which needs no libvirtd)'
complete -c sclctl -n '__sclctl_at "run"' -l state -r -a '(__fish_complete_directories)' -d 'folder for volumes and other state (default /var/lib/scl)'
complete -c sclctl -n '__sclctl_at "run"' -l console -r -a '(__sclctl_names vm)' -d 'connect the terminal to the console of this VM'
complete -c sclctl -n '__sclctl_at "run"' -l no-console -d 'do not show what the VMs print'
complete -c sclctl -n '__sclctl_at "run"' -l ready-fd -r -d 'write the line "ready" to this file descriptor and close it'
complete -c sclctl -n '__sclctl_at "run"' -l until-off -d 'also end when every VM is off'
complete -c sclctl -n '__sclctl_at "run"' -l prune -d 'remove VMs and networks that the manifest no longer has, without asking'
complete -c sclctl -n '__sclctl_at ""' -a apply -d 'Make this host as the manifest says'
complete -c sclctl -n '__sclctl_at "apply"' -s f -l file -r -F -d 'a manifest (YAML, JSON or *.nix), a folder of them, or - for stdin; may be given several times'
complete -c sclctl -n '__sclctl_at "apply"' -l prune -d 'remove VMs and networks that the manifest no longer has, without asking'
complete -c sclctl -n '__sclctl_at "apply"' -l allow-empty -d 'a manifest without any VM and network is meant so; removals are still asked about'
complete -c sclctl -n '__sclctl_at "apply"' -l boot -d 'the host has booted: start every VM with autoStart, whoever stopped it before'
complete -c sclctl -n '__sclctl_at ""' -a plan -d 'Show what apply would do'
complete -c sclctl -n '__sclctl_at "plan"' -s f -l file -r -F -d 'a manifest (YAML, JSON or *.nix), a folder of them, or - for stdin; may be given several times'
complete -c sclctl -n '__sclctl_at "plan"' -l prune -d 'remove VMs and networks that the manifest no longer has, without asking'
complete -c sclctl -n '__sclctl_at "plan"' -l allow-empty -d 'a manifest without any VM and network is meant so; removals are still asked about'
complete -c sclctl -n '__sclctl_at "plan"' -l boot -d 'the host has booted: start every VM with autoStart, whoever stopped it before'
complete -c sclctl -n '__sclctl_at ""' -a validate -d 'Check manifests'
complete -c sclctl -n '__sclctl_at "validate"' -s f -l file -r -F -d 'a manifest (YAML, JSON or *.nix), a folder of them, or - for stdin; may be given several times'
complete -c sclctl -n '__sclctl_at "validate"' -l preflight -d 'also check what only the host can tell: files, space, interfaces'
complete -c sclctl -n '__sclctl_at "validate"' -l allow-empty -d 'a manifest without any VM and network is meant so; removals are still asked about'
complete -c sclctl -n '__sclctl_at ""' -a status -d 'Show networks, VMs, volumes and what is wrong with them'
complete -c sclctl -n '__sclctl_at ""' -a console -d 'Connect the terminal to the serial console of a VM'
complete -c sclctl -n '__sclctl_at "console"' -a '(__sclctl_names vm)'
complete -c sclctl -n '__sclctl_at ""' -a schema -d 'Print the JSON Schema of manifests'
complete -c sclctl -n '__sclctl_at ""' -a completion -d 'Print the completion script for bash, zsh or fish'
complete -c sclctl -n '__sclctl_at "completion"' -a 'bash zsh fish'
complete -c sclctl -n '__sclctl_at "vm"' -a list -d 'List VMs'
complete -c sclctl -n '__sclctl_at "vm list" "vm ls"' -l running -d 'only VMs that are not off'
complete -c sclctl -n '__sclctl_at "vm"' -a show -d 'Show everything about a VM'
complete -c sclctl -n '__sclctl_at "vm show"' -a '(__sclctl_names vm)'
complete -c sclctl -n '__sclctl_at "vm"' -a start -d 'Start VMs'
complete -c sclctl -n '__sclctl_at "vm start" "start"' -a '(__sclctl_names vm)'
complete -c sclctl -n '__sclctl_at "vm"' -a stop -d 'Shut VMs down'
complete -c sclctl -n '__sclctl_at "vm stop" "stop"' -l all -d 'every VM that runs, instead of a NAME'
complete -c sclctl -n '__sclctl_at "vm stop" "stop"' -l force -d 'switch off at once, without asking the guest to shut down'
complete -c sclctl -n '__sclctl_at "vm stop" "stop"' -a '(__sclctl_names vm)'
complete -c sclctl -n '__sclctl_at "vm"' -a restart -d 'Shut VMs down and start them again'
complete -c sclctl -n '__sclctl_at "vm restart" "restart"' -l all -d 'every VM that runs, instead of a NAME'
complete -c sclctl -n '__sclctl_at "vm restart" "restart"' -l force -d 'switch off and on, without asking the guest to shut down'
complete -c sclctl -n '__sclctl_at "vm restart" "restart"' -a '(__sclctl_names vm)'
complete -c sclctl -n '__sclctl_at "vm"' -a delete -d 'Shut VMs down and remove them; volumes are kept'
complete -c sclctl -n '__sclctl_at "vm delete" "vm rm"' -a '(__sclctl_names vm)'
complete -c sclctl -n '__sclctl_at "vm"' -a logs -d 'Print what a VM has written on its serial console'
complete -c sclctl -n '__sclctl_at "vm logs" "logs"' -a '(__sclctl_names vm)'
complete -c sclctl -n '__sclctl_at "vm"' -a console -d 'Connect the terminal to the serial console of a VM'
complete -c sclctl -n '__sclctl_at "vm console"' -a '(__sclctl_names vm)'
complete -c sclctl -n '__sclctl_at "vm"' -a attach -d 'Stay in the foreground as long as the VM runs'
complete -c sclctl -n '__sclctl_at "vm attach"' -l start -d 'start the VM if it is not running'
complete -c sclctl -n '__sclctl_at "vm attach"' -l stop-on-term -d 'shut the VM down when a SIGTERM or Ctrl-C arrives'
complete -c sclctl -n '__sclctl_at "vm attach"' -a '(__sclctl_names vm)'
complete -c sclctl -n '__sclctl_at "network"' -a list -d 'List networks'
complete -c sclctl -n '__sclctl_at "network"' -a show -d 'Show everything about a network'
complete -c sclctl -n '__sclctl_at "network show"' -a '(__sclctl_names network)'
complete -c sclctl -n '__sclctl_at "network"' -a delete -d 'Remove networks'
complete -c sclctl -n '__sclctl_at "network delete" "network rm"' -a '(__sclctl_names network)'
complete -c sclctl -n '__sclctl_at "volume"' -a list -d 'List volumes'
complete -c sclctl -n '__sclctl_at "volume"' -a show -d 'Show everything about a volume'
complete -c sclctl -n '__sclctl_at "volume show"' -a '(__sclctl_names volume)'
complete -c sclctl -n '__sclctl_at "volume"' -a create -d 'Make the lost volume of a VM anew'
complete -c sclctl -n '__sclctl_at "volume create"' -l from-image -d 'copy the image of the VM; what was on the volume is lost'
complete -c sclctl -n '__sclctl_at "volume create"' -a '(__sclctl_names vm)'
complete -c sclctl -n '__sclctl_at "volume"' -a adopt -d 'Take over a volume of another instance'
complete -c sclctl -n '__sclctl_at "volume adopt"' -l from -r -a '(__sclctl_names instance)' -d 'the instance whose it is: its prefix'
complete -c sclctl -n '__sclctl_at "volume"' -a delete -d 'Delete volumes and all data on them'
complete -c sclctl -n '__sclctl_at "volume delete" "volume rm"' -l foreign -d 'also a file that SCL did not make'
complete -c sclctl -n '__sclctl_at "volume delete" "volume rm"' -a '(__sclctl_names volume)'
complete -c sclctl -n '__sclctl_at "volume"' -a prune -d 'Delete the volumes that no VM uses'
